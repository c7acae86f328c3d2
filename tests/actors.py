"""Who acts in tests of a whole stack: families of the demo town."""

import asyncio
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from chassis import clock
from chassis.database import Database
from identity.signing import signing
from joserfc.jwk import ECKey

from deploy.local.clock import Clock as Clock  # who acts in tests, acts in time
from deploy.local.portal import Portal
from deploy.local.stack import Stack

PASSWORD = "Bienvenue!2026"
STAFF_PASSWORD, TOTP_SECRET = "Guichet!2026", "JBSWY3DPEHPK3PXP"

#: What a family reads in each service.
PROTECTED = {
    "identity": "/v1/me",
    "dossier": "/v1/dossiers/mine",
    "enrolment": "/v1/bookings",
    "planning": "/v1/plannings?month=2027-01",
    "billing": "/v1/invoices",
}


def signing_key(stack: Stack) -> ECKey:
    """A key by which that stack's services take tokens; in a thread, since an event loop may be running here."""
    secret = urlsafe_b64decode(stack.environment("identity")["IDENTITY_SECRET"] + "==")

    async def key() -> ECKey:
        database = Database(stack.owner_databases["identity"])
        try:
            async with database.sessions.begin() as session:
                return await signing(session, secret, clock.now())
        finally:
            await database.close()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, key()).result()


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


class Others:
    """The town's other families, for whom the desk books and cancels."""

    def __init__(self, agent: Portal, database: asyncpg.Connection, but: str) -> None:
        self.agent, self.database, self.but = agent, database, but

    async def child_for(self, week_id: str) -> dict[str, str]:
        """Somebody else's child of the week's age group who has nothing in these days."""
        found = await self.database.fetchrow(
            """
            SELECT child.id::text AS child_id, dossier.id::text AS dossier_id FROM holiday_weeks week, children child
            JOIN dossiers dossier ON dossier.id = dossier_ids[1] AND missing = '{}' AND status = 'active'
            WHERE week.id = $1 AND dossier.id <> $2 AND number > '100042'
              AND extract(year FROM age(dates[1], birth_date)) BETWEEN min_age AND max_age AND NOT EXISTS (
                  SELECT FROM booking_lines line
                  WHERE line.child_id = child.id AND active AND line.period && week.period
              )
            ORDER BY number DESC, child.id LIMIT 1
            """,
            week_id, self.but,
        )  # fmt: skip
        return dict(found)

    async def book(self, week_id: str) -> str:
        return str((await self._held(week_id))[0]["id"])

    async def book_payable_until(self, week_id: str, pay_by: datetime) -> dict[str, Any]:
        """A booking confirmed for them and invoiced, to be paid until then."""
        held, body = await self._held(week_id, pay_by=pay_by.isoformat())
        quote = await self.agent.post("/billing/v1/quotes", body)
        await self.agent.confirm(held["id"], quote["quote_id"])
        return await self.agent.invoiced(held["id"])

    async def _held(self, week_id: str, **more: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """A booking of the week, and whose it is and of what, as it is asked for."""
        child = await self.child_for(week_id)
        line = {"child_id": child["child_id"], "holiday_week_id": week_id}
        body = {"dossier_id": child["dossier_id"], "lines": [line]}
        return await self.agent.post("/enrolment/v1/bookings", body | more), body
