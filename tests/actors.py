"""Who acts in tests of a whole stack: families of the demo town."""

from dataclasses import dataclass
from typing import Any

from deploy.local.clock import Clock as Clock  # who acts in tests, acts in time
from deploy.local.portal import Portal

PASSWORD = "Bienvenue!2026"
STAFF_PASSWORD, TOTP_SECRET = "Guichet!2026", "JBSWY3DPEHPK3PXP"


@dataclass
class Guardian:
    """A guardian of the demo town who has no account yet, as the dossier's database knows them."""

    number: str
    dossier_id: str
    first_name: str
    last_name: str
    email: str
    children: list[str]

    @property
    def username(self) -> str:
        return f"famille-{self.number}"

    def names(self) -> dict[str, str]:
        return {"first_name": self.first_name, "last_name": self.last_name, "email": self.email}


@dataclass
class Family:
    """A family that is signed in."""

    portal: Portal
    guardian: Guardian

    @property
    def dossier_id(self) -> str:
        return self.guardian.dossier_id

    async def line(self, child: int = 0, week: int = 0) -> tuple[str, str]:
        """A line for that child: the week of that rank among those it may book, counted in different dates."""
        child_id = self.guardian.children[child]
        by_date = {tuple(one["dates"]): one["id"] for one in reversed(await self.portal.weeks(child_id))}
        return child_id, by_date[sorted(by_date)[week]]

    async def billed(self, *lines: tuple[str, str]) -> dict[str, Any]:
        """A booking of these lines (else of one), confirmed and invoiced."""
        wanted = list(lines) or [await self.line()]
        booking = await self.portal.book(wanted)
        quote = await self.portal.quote(wanted)
        await self.portal.confirm(booking["id"], quote["quote_id"])
        return await self.portal.invoiced(booking["id"])

    async def sign_in_again(self) -> None:
        """After the clock has moved further than a token lasts."""
        await self.portal.sign_in(self.guardian.username, PASSWORD)
