"""What identity's tests play with: the Moreau family's dossier, a mailbox, and each step of a registration."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as Mail
from aiosmtpd.smtp import Session as SmtpSession
from chassis import clock
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.inbox import handle
from chassis.outbox import envelope
from contracts import EVENTS, Envelope, Event, billing
from contracts.dossier import DossierChanged
from contracts.identity import AccessRevoked
from identity.consumers import HANDLERS
from identity.notices.delivery import deliver
from identity.second_factor import STEP_S, totp
from identity.settings import Settings
from sqlalchemy import text

from tests.builders import sample

PASSWORD = "Papillon!24"
MARTIN = {"login": "martin", "password": "Bienvenue!2026"}
AGENT = {"login": "agent", "password": "Guichet!2026"}
TOTP_SECRET = "JBSWY3DPEHPK3PXP"


@dataclass
class Mailbox:
    """What was received by SMTP; `trouble` is answered instead, or `refused` to these recipients.

    `meanwhile` happens while a mail is being taken.
    """

    port: int = 0
    trouble: str | None = None
    refused: dict[str, str] = field(default_factory=dict)
    meanwhile: Callable[[], Awaitable[None]] | None = None
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's
        self, _server: SMTP, _session: SmtpSession, mail: Mail, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        mail.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: SmtpSession, mail: Mail) -> str:  # noqa: N802 -- aiosmtpd's
        if self.meanwhile:
            await self.meanwhile()
        if self.trouble:
            return self.trouble
        self.mails.append(message_from_bytes(mail.original_content or b"", policy=policy.default))
        return "250 OK"


def moreau(version: int = 1, **changes: Any) -> DossierChanged:
    """The dossier of the Moreau family as the service dossier tells it."""
    return sample(DossierChanged, version=version, **changes)


def martin(**changes: Any) -> DossierChanged:
    """The dossier of the Martin family, whose guardian has an account."""
    sophie = {"adult_id": named_id("adult", "100001", "1"), "first_name": "Sophie", "last_name": "Martin"}
    adult = moreau().adults[0].model_copy(update=sophie | {"email": "sophie.martin@example.org"})
    told: dict[str, Any] = {"dossier_id": named_id("dossier", "100001"), "number": "100001", "adults": (adult,)}
    return moreau(**(told | changes))


def code_at(moment: datetime) -> str:
    """What the staff's application shows at that moment."""
    return totp(TOTP_SECRET, int(moment.timestamp()) // STEP_S)


def session_of(tokens: dict[str, Any]) -> UUID:
    """The session that the access token names."""
    return UUID(json.loads(urlsafe_b64decode(tokens["access_token"].split(".")[1] + "=="))["sid"])


def notice(**whom: Any) -> billing.NoticeWritten:
    """To the Martin family, unless told to whom."""
    told = {
        "notice_id": new_id(),
        "title": "Votre paiement est bien reçu",
        "paragraphs": ("Bonjour,", "Nous avons reçu 12,50 € pour <Léa> & Hugo."),
        "link": "/factures/1",
    }
    return billing.NoticeWritten.model_validate(told | (whom or {"dossier_id": named_id("dossier", "100001")}))


def body(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def pointers(problem: dict[str, Any]) -> list[str]:
    """The fields that the problem names."""
    return [error["pointer"] for error in problem["errors"]]


@dataclass
class Portal:
    """The service with the town and the Moreau family's dossier in it; a step of the journey a method."""

    client: aiohttp.ClientSession
    database: Database
    settings: Settings
    mailbox: Mailbox
    clock_file: Path

    def later(self, **shift: float) -> None:
        """Moves the clock to so long after the machine's."""
        self.clock_file.write_text(str(timedelta(**shift).total_seconds()))

    async def send(
        self, method: str, path: str, address: str | None = None, bearer: str | None = None, **body: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON (empty where there is none) of a call, from an address, by whose token `bearer` is."""
        headers = {"X-Forwarded-For": address} if address else {}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        async with self.client.request(method, f"/v1{path}", json=body, headers=headers) as answer:
            content = await answer.read()
            return answer.status, (await answer.json(content_type=None) if content else {})

    async def post(self, path: str, address: str | None = None, **body: Any) -> tuple[int, dict[str, Any]]:
        return await self.send("POST", path, address, **body)

    async def put(self, path: str, address: str | None = None, **body: Any) -> tuple[int, dict[str, Any]]:
        return await self.send("PUT", path, address, **body)

    async def get(self, path: str, token: str) -> tuple[int, dict[str, Any]]:
        async with self.client.get(f"/v1{path}", headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status, await answer.json(content_type=None)

    async def hear(self, event: Event) -> None:
        await handle(self.database, envelope(event).model_dump_json().encode(), HANDLERS)

    async def claim(self, **changed: str) -> tuple[int, dict[str, Any]]:
        asked = {"dossier_number": "100042", "last_name": "Moreau", "email": "claire.moreau@example.org"}
        return await self.post("/claims", **(asked | changed))

    async def register(self, claim: str | None = None, **changed: str) -> tuple[int, dict[str, Any]]:
        """Registers Claire Moreau, by a new claim unless one is given."""
        asked = {
            "last_name": "Moreau",
            "first_name": "Claire",
            "email": "claire.moreau@example.org",
            "username": "cmoreau",
            "password": PASSWORD,
            "dossier_claim": claim or (await self.claim())[1]["dossier_claim"],
            "terms_version": "2026-09",
            "privacy_version": "2026-09",
        }
        return await self.post("/registrations", **(asked | changed))

    async def mails(self) -> list[EmailMessage]:
        """What was delivered so far, once all that is due has left."""
        await deliver(self.database, self.settings)
        return self.mailbox.mails

    async def link(self, page: str = "activation") -> str:
        """The secret of the link to that page in the newest mail received."""
        text = body((await self.mails())[-1], "plain")
        found = re.search(rf"https://familles\.example\.org/{page}\?token=(\S+)", text)
        assert found is not None
        return found[1]

    async def activate(self, secret: str, **how: str) -> tuple[int, dict[str, Any]]:
        """Follows the link: with the password chosen at registration, unless told how."""
        return await self.post("/activations", token=secret, **(how or {"password": PASSWORD}))

    async def sign_in(
        self, login: str = "cmoreau", password: str = PASSWORD, address: str | None = None, **more: str
    ) -> tuple[int, dict[str, Any]]:
        return await self.post("/sessions", address, login=login, password=password, **more)

    async def sign_in_staff(self, login: str = "agent", password: str = "Guichet!2026") -> tuple[int, dict[str, Any]]:
        """With the code that their application shows."""
        return await self.sign_in(login, password, otp=code_at(clock.now()))

    async def refresh(self, token: str) -> tuple[int, dict[str, Any]]:
        return await self.post("/sessions/refresh", refresh_token=token)

    async def sign_in_on_tablet(
        self,
        pin: str = "2026",
        device_token: str = "tablette-demo-2026",
        login: str = "animateur",
        address: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        return await self.post("/sessions", address, login=login, pin=pin, device_token=device_token)

    async def delete(self, path: str, token: str) -> int:
        async with self.client.delete(f"/v1{path}", headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status

    async def published(self) -> list[Event]:
        """What stands in the outbox."""
        async with self.database.sessions() as session:
            bodies = (await session.scalars(text("SELECT body FROM outbox ORDER BY id"))).all()
        wrapped = [Envelope.model_validate_json(body) for body in bodies]
        return [EVENTS[one.type].model_validate(one.data) for one in wrapped]

    async def revoked(self) -> list[UUID]:
        """What no service takes a token of any more, in the order in which that was told."""
        return [one.access_id for one in await self.published() if isinstance(one, AccessRevoked)]

    async def execute(self, statement: str) -> None:
        """As the owner: for what the application never does by itself."""
        owner = Database(str(self.settings.owner_database_url))
        async with owner.sessions.begin() as session:
            await session.execute(text(statement))
        await owner.close()

    async def scalars(self, query: str) -> list[Any]:
        async with self.database.sessions() as session:
            return list(await session.scalars(text(query)))
