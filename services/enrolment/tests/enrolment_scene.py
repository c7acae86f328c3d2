"""Families and holiday weeks that the tests of enrolment book."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import aiohttp
from chassis import clock, inbox, outbox
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.reach import Reach
from chassis.testing import Signer
from contracts import EVENTS, Envelope, Event
from contracts.billing import (
    CreditGranted,
    InvoiceCancelled,
    InvoiceLapsed,
    InvoiceLine,
    InvoiceOpened,
    InvoiceRefused,
    InvoiceSettled,
)
from contracts.dossier import ChildChanged, DossierChanged, Level, Schooling
from enrolment.catalogue.models import Activity, HolidayWeek, SchoolYear
from enrolment.consumers import HANDLERS
from french.calendar import school_year
from french.paris import day_in_paris
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range

from tests.builders import sample

FIRST_MONDAY = clock.now().date() + timedelta(days=98 - clock.now().date().weekday())


def guardian(dossier_id: UUID) -> Reach:
    return Reach(sub=new_id(), role="guardian", dossier_id=dossier_id, guardian_id=new_id())


def year_name(after: int = 0) -> str:
    """Of the running school year, or of the one so many years after."""
    begun = int(school_year(day_in_paris(clock.now()))[:4]) + after
    return f"{begun}-{begun + 1}"


def schooling(school_id: UUID, level: Level = "elementary") -> tuple[Schooling, ...]:
    """In this school year and the next."""
    return tuple(
        Schooling(school_year=year_name(after), school_id=school_id, level=level, class_name=None) for after in (0, 1)
    )


class Billing:
    """What billing would say of one booking's invoice: 48,36 € a line."""

    def __init__(self, booking: dict[str, Any]) -> None:
        self.facts = {
            "invoice_id": new_id(),
            "booking_id": UUID(booking["id"]),
            "booking_version": booking["version"],
            "dossier_id": UUID(booking["dossier_id"]),
            "amount_cents": 4836 * len(booking["lines"]),
            "lines": tuple(InvoiceLine(position=one["position"], amount_cents=4836) for one in booking["lines"]),
            "payable_until": clock.now() + timedelta(minutes=20),
        }
        self.refused = InvoiceRefused(
            booking_id=self.facts["booking_id"],
            version=booking["version"],
            dossier_id=self.facts["dossier_id"],
            reason="Aucun tarif n'est enregistré.",
        )
        self.opened = InvoiceOpened(**self.facts, version=1, status="to_pay", number=None)
        self.settled = InvoiceSettled(**self.facts, version=2, status="settled", number="2026-000001")
        self.lapsed = InvoiceLapsed(**self.facts, version=2, status="lapsed", number=None)
        self.cancelled = InvoiceCancelled(**self.facts, version=2, status="cancelled", number=None)
        self.credit = CreditGranted(
            credit_id=new_id(),
            dossier_id=self.facts["dossier_id"],
            amount_cents=4836,
            booking_id=self.facts["booking_id"],
        )
        self.second_credit = self.credit.model_copy(update={"credit_id": new_id()})


@dataclass
class Town:
    """Builds what a test needs and reads what came of it."""

    database: Database
    api: aiohttp.ClientSession
    signer: Signer
    agent_id: UUID = field(default_factory=new_id)
    etag: str | None = None  # of the last answer

    async def hear(self, *events: Event) -> None:
        for event in events:
            await inbox.handle(self.database, outbox.envelope(event).model_dump_json().encode(), HANDLERS)

    async def family(self, *ages: int, missing: tuple[str, ...] = (), **facts: Any) -> tuple[UUID, list[UUID]]:
        """A dossier (with these facts) and its children, of these ages on the first Monday."""
        dossier_id = new_id()
        await self.hear(sample(DossierChanged, dossier_id=dossier_id, missing=missing, **facts))
        children = []
        for age in ages:
            born = FIRST_MONDAY.replace(year=FIRST_MONDAY.year - age, day=1) - timedelta(days=60)
            children.append(await self.child(dossier_id, born))
        return dossier_id, children

    async def child(self, dossier_id: UUID, born: date, first_name: str = "Inès", **facts: Any) -> UUID:
        child_id = new_id()
        await self.hear(
            sample(
                ChildChanged,
                **{
                    "child_id": child_id,
                    "dossier_ids": (dossier_id,),
                    "first_name": first_name,
                    "birth_date": born,
                }
                | facts,
            )
        )
        return child_id

    async def week(
        self,
        *,
        after: int = 0,
        places: int = 10,
        ages: tuple[int, int] = (6, 11),
        regie: str = "enfance",
        **facts: Any,
    ) -> UUID:
        """A holiday week so many weeks after the first Monday, of an activity of its own."""
        monday = FIRST_MONDAY + timedelta(weeks=after)
        closes = clock.now() + timedelta(days=50)
        week = HolidayWeek(
            **{
                "id": new_id(),
                "activity_id": new_id(),
                "site_id": new_id(),
                "centre": "Accueil de loisirs La Bièvre",
                "name": f"Vacances d'essai, semaine {after}",
                "group_name": "6-11 ans",
                "min_age": ages[0],
                "max_age": ages[1],
                "dates": [monday + timedelta(days=n) for n in range(5)],
                "period": Range(monday, monday + timedelta(days=4), bounds="[]"),
                "places": places,
                "taken": 0,
                "booking_closes_at": closes,
                "cancellation_closes_at": closes,
                "hold_minutes": 20,
                "version": 1,
            }
            | facts
        )
        activity = Activity(
            id=week.activity_id,
            code=str(week.activity_id),
            name=week.centre,
            kind="extrascolaire",
            site_id=week.site_id,
            payment="immediate",
            charging="reservation",
            regie=regie,
            version=1,
        )
        async with self.database.sessions.begin() as session:
            session.add_all((activity, week))
        return week.id

    async def call(
        self,
        method: str,
        path: str,
        dossier_id: UUID | None,
        body: Any = None,
        *,
        key: str | None = None,
        seen: int | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON of a call by a guardian of that dossier; by an agent where there is none.

        `seen` is the version that they have seen.
        """
        if dossier_id is None:
            token = self.signer.token("agent", sub=self.agent_id)
        else:
            token = self.signer.token("guardian", sub=dossier_id, dossier_id=dossier_id, guardian_id=new_id())
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or new_id().hex}
        if seen is not None:
            headers["If-Match"] = f'"{seen}"'
        async with self.api.request(method, path, json=body, headers=headers) as answer:
            self.etag = answer.headers.get("ETag")
            return answer.status, await answer.json(content_type=None) if answer.status != 204 else None

    async def post(
        self, whose: UUID | None, /, *lines: tuple[UUID, UUID], key: str | None = None, **more: Any
    ) -> tuple[int, Any]:
        """POST /bookings of (child, week) lines."""
        return await self.call("POST", "/v1/bookings", whose, self.lines(*lines) | more, key=key)

    async def change(
        self, whose: UUID | None, booking: dict[str, Any], /, *lines: tuple[UUID, UUID], **more: Any
    ) -> tuple[int, Any]:
        """PUT of these lines by somebody who has seen that booking."""
        path = f"/v1/bookings/{booking['id']}/lines"
        return await self.call("PUT", path, whose, self.lines(*lines) | more, seen=booking["version"])

    def lines(self, *lines: tuple[UUID, UUID]) -> dict[str, Any]:
        """The body of these (child, week) lines."""
        return {"lines": [{"child_id": str(child), "holiday_week_id": str(week)} for child, week in lines]}

    async def held(self, dossier_id: UUID, *lines: tuple[UUID, UUID]) -> dict[str, Any]:
        status, booking = await self.post(dossier_id, *lines)
        assert status == 201, booking
        return dict(booking)

    async def confirmed(self, dossier_id: UUID, *lines: tuple[UUID, UUID]) -> dict[str, Any]:
        booking = await self.held(dossier_id, *lines)
        status, booking = await self.confirm(dossier_id, booking["id"])
        assert status == 202, booking
        return dict(booking)

    async def confirm(self, dossier_id: UUID, booking_id: str, quote_id: UUID | None = None) -> tuple[int, Any]:
        body = {"quote_id": str(quote_id or new_id())}
        return await self.call("POST", f"/v1/bookings/{booking_id}/confirm", dossier_id, body)

    async def cancel(self, dossier_id: UUID | None, booking_id: str, position: int | None = None) -> tuple[int, Any]:
        """DELETE of the whole booking, or of one line."""
        line = "" if position is None else f"/lines/{position}"
        return await self.call("DELETE", f"/v1/bookings/{booking_id}{line}", dossier_id)

    async def full(self, places: int = 1, **facts: Any) -> tuple[UUID, list[tuple[UUID, str]]]:
        """A week whose places are all booked, and these bookings, each with its dossier."""
        week_id, made = await self.week(places=places, **facts), []
        for _ in range(places):
            dossier_id, (child,) = await self.family(9)
            made.append((dossier_id, (await self.confirmed(dossier_id, (child, week_id)))["id"]))
        return week_id, made

    async def join(
        self, whose: UUID | None, *lines: tuple[UUID, UUID], key: str | None = None, **more: Any
    ) -> tuple[int, Any]:
        """POST /waiting-list of (child, week) lines, all but the first together with it."""
        first, *others = ({"child_id": str(child), "holiday_week_id": str(week)} for child, week in lines)
        return await self.call("POST", "/v1/waiting-list", whose, first | {"together": others} | more, key=key)

    async def waits(self, dossier_id: UUID, *lines: tuple[UUID, UUID]) -> str:
        """The id of the first entry."""
        status, entry = await self.join(dossier_id, *lines)
        assert (status, entry.get("status")) == (201, "waiting"), entry
        return str(entry["id"])

    async def accept(self, whose: UUID | None, entry_id: str, key: str | None = None, **more: Any) -> tuple[int, Any]:
        return await self.call("POST", f"/v1/waiting-list/{entry_id}/accept", whose, more or None, key=key)

    async def leave(self, whose: UUID | None, entry_id: str) -> tuple[int, Any]:
        return await self.call("DELETE", f"/v1/waiting-list/{entry_id}", whose)

    async def year(self, after: int = 0) -> SchoolYear:
        """The running school year, whatever the day of the tests, or the one so many years after."""
        today = day_in_paris(clock.now())
        first = today - timedelta(days=60) + timedelta(days=365) * after
        year = SchoolYear(name=year_name(after), first_day=first, last_day=first + timedelta(days=300))
        async with self.database.sessions.begin() as session:
            await session.merge(year)
        return year

    async def activity(self, kind: str = "periscolaire", **facts: Any) -> UUID:
        """An activity of the school year, open to all."""
        activity_id = new_id()
        common = {"code": str(activity_id), "name": "Accueil du soir", "payment": "monthly", "charging": "reservation"}
        async with self.database.sessions.begin() as session:
            columns = common | {"kind": kind, "regie": "enfance", "version": 1} | facts
            session.add(Activity(id=activity_id, **columns))
        return activity_id

    async def pupil(self, dossier_id: UUID, school_id: UUID | None = None, **facts: Any) -> UUID:
        """A child of 8, in a nursery or elementary school that is known in this school year and the next."""
        born = facts.pop("born", day_in_paris(clock.now()) - timedelta(days=8 * 366))
        return await self.child(dossier_id, born, **{"schooling": schooling(school_id or new_id())} | facts)

    async def enrol(
        self, whose: UUID | None, child: UUID, activity: UUID, key: str | None = None, **more: Any
    ) -> tuple[int, Any]:
        body = {"child_id": str(child), "activity_id": str(activity)} | more
        return await self.call("POST", "/v1/enrolments", whose, body, key=key)

    async def enrolled(self, whose: UUID, child: UUID, activity: UUID, **more: Any) -> dict[str, Any]:
        status, enrolment = await self.enrol(whose, child, activity, **more)
        assert status == 201, enrolment
        return dict(enrolment)

    async def enrolments(self, dossier_id: UUID) -> list[dict[str, Any]]:
        """The newest first."""
        status, page = await self.call("GET", "/v1/enrolments", dossier_id)
        assert status == 200, page
        return list(page["items"])

    async def entries(self, dossier_id: UUID) -> dict[str, dict[str, Any]]:
        """What the family sees of the waiting list, by id, the newest first."""
        status, page = await self.call("GET", "/v1/waiting-list", dossier_id)
        assert status == 200, page
        return {one["id"]: one for one in page["items"]}

    async def entry(self, dossier_id: UUID, entry_id: str) -> dict[str, Any]:
        return (await self.entries(dossier_id))[entry_id]

    async def nobody_waits_in_vain(self) -> None:
        """Nobody with a complete dossier waits, alone or with others, for places that are all free."""
        async with self.database.sessions() as session:
            idle = await session.scalars(
                text(
                    """
                    SELECT group_id FROM (
                        SELECT group_id, places - taken AS free, count(*) AS wanted, bool_and(missing = '{}') AS ready
                        FROM waiting_entries entry JOIN holiday_weeks week ON week.id = holiday_week_id
                        JOIN dossiers ON dossiers.id = dossier_id
                        WHERE entry.status = 'waiting' GROUP BY group_id, week.id
                    ) AS wish GROUP BY group_id HAVING bool_and(ready AND wanted <= free)
                    """
                )
            )
            assert idle.all() == []

    async def booking(self, dossier_id: UUID, booking_id: str) -> dict[str, Any]:
        status, booking = await self.call("GET", f"/v1/bookings/{booking_id}", dossier_id)
        assert status == 200, booking
        return dict(booking)

    def billing(self, booking: dict[str, Any]) -> Billing:
        return Billing(booking)

    async def taken(self, *week_ids: UUID) -> list[int]:
        """Places taken of each week; on the way, that the counter is the number of active lines and of offers."""
        async with self.database.sessions() as session:
            counted = []
            for week_id in week_ids:
                taken, lines = (
                    await session.execute(
                        text(
                            "SELECT taken, (SELECT count(*) FROM booking_lines WHERE holiday_week_id = w.id AND active)"
                            " + (SELECT count(*) FROM waiting_entries"
                            " WHERE holiday_week_id = w.id AND status = 'offered') FROM holiday_weeks w WHERE id = :id"
                        ),
                        {"id": week_id},
                    )
                ).one()
                assert taken == lines
                counted.append(taken)
            return counted

    async def published(self, *types: str) -> list[Any]:
        """Events in the outbox, in order: all, or those of these types (`booking_paid`)."""
        async with self.database.sessions() as session:
            bodies = await session.scalars(text("SELECT body FROM outbox ORDER BY id"))
            found = [Envelope.model_validate_json(body) for body in bodies]
        wanted = {f"enrolment.{name}" for name in types}
        return [EVENTS[one.type].model_validate(one.data) for one in found if not wanted or one.type in wanted]
