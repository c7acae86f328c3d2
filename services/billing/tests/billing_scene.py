"""What billing's tests play with: two families, some weeks, the events of bookings, the outbox, PayFiP's stand-in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import aiohttp
from billing.bookings.lapses import lapse_unpaid
from billing.consumers import HANDLERS
from billing.invoices.models import BookingInvoice, Invoice
from billing.ledger.books import post
from billing.ledger.models import Account, LedgerEntry
from billing.main import SERVICE
from billing.payments.watching import ask_payfip
from billing.settings import Settings
from chassis import clock
from chassis.command import load
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.inbox import handle
from chassis.outbox import envelope
from chassis.testing import Databases, Signer
from chassis.towns import read
from contracts import EVENTS, Envelope, Event
from contracts.dossier import Adult, ChildChanged, DossierChanged, PostalAddress, Quotient, QuotientChanged
from contracts.enrolment import (
    ActivityChanged,
    Booking,
    BookingCancelled,
    BookingChanged,
    BookingConfirmed,
    BookingExpired,
    BookingLine,
    BookingPaid,
    HolidayWeekChanged,
)
from sqlalchemy import Executable, func, or_, select, text

from tests.builders import sample

TOWN = Path(__file__).parents[3] / "deploy/towns/villeneuve-sur-bievre.toml"
ORIGIN = "https://espace.test"
CENTRE = "Accueil de loisirs La Bièvre"
ACTIVITY = named_id("activity", "vacances-la-bievre")
SITE = named_id("site", "la-bievre")
KINDS = {"confirmed": BookingConfirmed, "paid": BookingPaid, "cancelled": BookingCancelled, "expired": BookingExpired}
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Family:
    """Claire and her children, or another family."""

    dossier_id: UUID = field(default_factory=new_id)
    guardian_id: UUID = field(default_factory=new_id)
    child_ids: tuple[UUID, ...] = field(default_factory=lambda: (new_id(), new_id()))


@dataclass(frozen=True)
class PayFiP:
    """The stand-in's remote control."""

    http: aiohttp.ClientSession

    async def decide(self, idop: str, result: str, amount_cents: int | None = None) -> None:
        decision = {"result": result, "notify": False, "amount_cents": amount_cents}
        async with self.http.post(f"/sandbox/payments/{idop}", json=decision) as answer:
            assert answer.status == 200, await answer.text()

    async def fail(self, operation: str, fault: str, code: str = "", times: int | None = None) -> None:
        failure = {"operation": operation, "fault": fault, "code": code, "times": times}
        async with self.http.post("/sandbox/faults", json=failure) as answer:
            assert answer.status == 204, await answer.text()

    async def recover(self) -> None:
        await self.http.delete("/sandbox/faults")

    async def payment(self, idop: str) -> dict[str, Any]:
        async with self.http.get("/sandbox/payments") as answer:
            return next(one for one in await answer.json() if one["idop"] == idop)


MOREAU, DIALLO = Family(), Family()
WEEK_IDS = (new_id(), new_id(), new_id())
TODAY = clock.now().date()
#: Of the first of the three weeks.
MONDAY = TODAY + timedelta(days=63 - TODAY.weekday())


def dossier(family: Family, number: str, name: str, *, email: str | None = "famille@example.org") -> DossierChanged:
    adult = Adult(
        adult_id=family.guardian_id,
        first_name="Claire",
        last_name=name,
        roles=("legal_guardian", "payer"),
        email=email,
    )
    return sample(
        DossierChanged,
        dossier_id=family.dossier_id,
        version=1 if email else 3,
        number=number,
        status="active",
        adults=(adult,),
        address=PostalAddress(street="27 rue du Lavoir", postcode="94990", city="Villeneuve-sur-Bièvre"),
    )


def quotient(family: Family, value: int, version: int) -> QuotientChanged:
    known = Quotient(value=value, source="caf", valid_from=date(2020, 1, 1), valid_to=date(2099, 12, 31))
    return sample(QuotientChanged, dossier_id=family.dossier_id, version=version, quotients=(known,))


def child(family: Family, child_id: UUID, first_name: str, last_name: str) -> ChildChanged:
    return sample(
        ChildChanged,
        child_id=child_id,
        version=1,
        dossier_ids=(family.dossier_id,),
        first_name=first_name,
        last_name=last_name,
        birth_date=date(2018, 5, 4),
        schooling=(),
        resident=True,
        menu="standard",
    )


def week(week_id: UUID) -> HolidayWeekChanged:
    monday = MONDAY + timedelta(weeks=WEEK_IDS.index(week_id))
    return sample(
        HolidayWeekChanged,
        holiday_week_id=week_id,
        version=1,
        activity_id=ACTIVITY,
        centre=CENTRE,
        name="semaine du lundi",
        dates=tuple(monday + timedelta(days=day) for day in range(5)),
        booking_closes_at=clock.now(),
        cancellation_closes_at=clock.now(),
    )


def activity() -> ActivityChanged:
    return sample(
        ActivityChanged,
        activity_id=ACTIVITY,
        version=1,
        code="vacances-la-bievre",
        name="Vacances à La Bièvre",
        kind="extrascolaire",
        site_id=named_id("site", "la-bievre"),
        payment="immediate",
        charging="reservation",
        regie="enfance",
    )


async def hear(database: Database, event: Event, times: int = 1) -> None:
    """The same message, delivered so many times."""
    body = envelope(event).model_dump_json().encode()
    for _ in range(times):
        await handle(database, body, HANDLERS)


async def load_town(owner_url: str) -> None:
    await load(SERVICE, owner_url, read(TOWN))


async def furnish(databases: Databases) -> None:
    """Put the demo town's prices, the two families and the three weeks into an empty database."""
    await load_town(databases.owner_url)
    database = Database(databases.url)
    families = (("100042", "Moreau", MOREAU, 980), ("100002", "Diallo", DIALLO, 1450))
    for event in (activity(), *map(week, WEEK_IDS)):
        await hear(database, event)
    for number, name, family, value in families:
        await hear(database, dossier(family, number, name))
        await hear(database, quotient(family, value, version=2))
        for child_id, first_name in zip(family.child_ids, ("Inès", "Tom"), strict=True):
            await hear(database, child(family, child_id, first_name, name))
    await database.close()


@dataclass
class Scene:
    """One test's view of it, with the API listening."""

    database: Database
    settings: Settings
    client: aiohttp.ClientSession
    signer: Signer
    clock_file: Path
    moreau: Family = MOREAU
    diallo: Family = DIALLO
    week_ids: tuple[UUID, ...] = WEEK_IDS

    async def quotient(self, family: Family, value: int, version: int) -> None:
        await self.hear(quotient(family, value, version))

    # ---------------------------------------------------------------- events

    async def hear(self, event: Event, times: int = 1) -> None:
        await hear(self.database, event, times)

    async def published(self, kind: type[E]) -> list[E]:
        async with self.database.sessions() as session:
            bodies = await session.scalars(text("SELECT body FROM outbox ORDER BY id"))
        events = [Envelope.model_validate_json(body) for body in bodies]
        return [kind.model_validate(one.data) for one in events if EVENTS[one.type] is kind]

    def booking(self, **changes: Any) -> Booking:
        """Inès's first week, confirmed now without a quote, unless `changes` say otherwise (`lines` as pairs)."""
        status = changes.pop("status", "confirmed")
        pairs = changes.pop("lines", None) or [(self.moreau.child_ids[0], self.week_ids[0])]
        facts = {
            "booking_id": new_id(),
            "dossier_id": self.moreau.dossier_id,
            "quote_id": new_id(),
            "confirmed_at": clock.now(),
            "version": 2,
        }
        facts |= changes
        facts.setdefault("confirmed_version", facts["version"])
        lines = tuple(self.line(position, *pair) for position, pair in enumerate(pairs))
        return KINDS[status](**facts, status=status, lines=lines)

    def line(self, position: int, child_id: UUID, week_id: UUID) -> BookingLine:
        return BookingLine(
            position=position,
            child_id=child_id,
            holiday_week_id=week_id,
            activity_id=ACTIVITY,
            site_id=SITE,
            dates=week(week_id).dates,
        )

    def later(
        self, booking: Booking, status: str, *, drop: Sequence[int] = (), refundable: bool = True, **changes: Any
    ) -> Booking:
        """That booking in a later state, one version on: the lines of these positions cancelled, and all of them of a
        cancelled one. One confirmed again has its version for its confirmation, where `drop` is empty."""
        given = {"status": "cancelled", "refundable": refundable}
        lines = [
            line.model_copy(update=given)
            if line.status == "active" and (line.position in drop or status == "cancelled")
            else line
            for line in booking.lines
        ]
        facts = {**booking.model_dump(), "version": booking.version + 1, "status": status, **changes}
        if status == "confirmed" and not drop:
            facts["confirmed_version"] = facts["version"]
        kind = BookingChanged if drop and status != "cancelled" else KINDS[status]
        return kind.model_validate(facts | {"lines": [line.model_dump() for line in lines]})

    async def documents(self, booking: Booking) -> list[Invoice]:
        """Invoices and credit notes of that booking, oldest first."""
        async with self.database.sessions() as session:
            its = select(BookingInvoice.invoice_id).where(BookingInvoice.booking_id == booking.booking_id)
            asked = select(Invoice).where(or_(Invoice.id.in_(its), Invoice.corrects_id.in_(its))).order_by(Invoice.id)
            return list(await session.scalars(asked))

    async def invoice(self, booking: Booking) -> Invoice:
        """The newest document of that booking."""
        return (await self.documents(booking))[-1]

    async def opened(self, **changes: Any) -> tuple[Booking, Invoice]:
        """A fresh booking, confirmed, and its invoice."""
        booking = self.booking(**changes)
        await self.hear(booking)
        return booking, await self.invoice(booking)

    async def change(self, statement: Executable) -> None:
        """As the owner: for what the application never does by itself."""
        owner = Database(str(self.settings.owner_database_url))
        async with owner.sessions.begin() as session:
            await session.execute(statement)
        await owner.close()

    async def grant(self, cents: int, family: Family | None = None) -> None:
        """Money from nowhere on that family's account."""
        async with self.database.sessions.begin() as session:
            dossier_id = (family or self.moreau).dossier_id
            await post(session, clock.now(), "Test", dossier_id, {Account.PAYFIP: cents, Account.CREDIT: -cents})

    # ---------------------------------------------------------------- HTTP

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        of: Family | None = None,
        role: str = "guardian",
        regies: Sequence[str] = ("enfance",),
        key: str = "",
    ) -> tuple[int, Any]:
        """Status and JSON of a call made by that family's guardian (always the same account), or by staff; a cashier
        collects for these régies."""
        family = of or self.moreau
        claims: dict[str, Any] = {"sub": family.guardian_id}
        if role == "cashier":
            claims["regies"] = list(regies)
        if role == "guardian":
            claims |= {"dossier_id": family.dossier_id, "guardian_id": family.guardian_id}
        headers = {"Authorization": f"Bearer {self.signer.token(role, **claims)}"}
        if key:
            headers["Idempotency-Key"] = key
        async with self.client.request(method, f"/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def quote(self, lines: Sequence[tuple[UUID, UUID]], **how: Any) -> tuple[int, Any]:
        wanted = [{"child_id": str(child_id), "holiday_week_id": str(week_id)} for child_id, week_id in lines]
        return await self.ask("POST", "/quotes", {"lines": wanted}, **how)

    async def pay(self, *invoices: Invoice | UUID, key: str = "", **how: Any) -> tuple[int, Any]:
        ids = [str(one.id if isinstance(one, Invoice) else one) for one in invoices]
        body = {"invoice_ids": ids, "return_url": f"{ORIGIN}/retour"}
        return await self.ask("POST", "/payments", body, key=key or new_id().hex, **how)

    async def opened_payment(self, *invoices: Invoice) -> tuple[str, str]:
        """(payment_id, idOp) of a payment really opened at the stand-in."""
        status, answer = await self.pay(*invoices)
        assert status == 201, answer
        return answer["payment_id"], answer["redirect_url"].split("idop=")[1]

    async def payment_status(self, payment_id: str) -> str:
        status, answer = await self.ask("GET", f"/payments/{payment_id}")
        assert status == 200
        return str(answer["status"])

    # ---------------------------------------------------------------- time and jobs

    async def notify(self, idop: str, name: str = "idOp") -> None:
        async with self.client.post("/v1/payfip/notifications", data={name: idop}) as answer:
            assert answer.status == 200

    async def ask_payfip(self) -> None:
        await ask_payfip(self.database, self.settings)

    async def lapse(self) -> None:
        await lapse_unpaid(self.database, self.settings)

    def after(self, **duration: float) -> None:
        """From now on it is that much later than the machine says."""
        self.clock_file.write_text(str(timedelta(**duration).total_seconds()))

    # ---------------------------------------------------------------- money

    async def credit(self, family: Family | None = None) -> int:
        _, answer = await self.ask("GET", "/balance", of=family)
        return int(answer["credit_cents"])

    async def account(self, account: Account) -> int:
        async with self.database.sessions() as session:
            asked = select(func.coalesce(func.sum(LedgerEntry.amount_cents), 0)).where(LedgerEntry.account == account)
            return await session.scalar(asked) or 0
