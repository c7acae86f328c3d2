"""What a family sees of its month, after any order of the events it comes from."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.inbox import handle
from chassis.outbox import envelope
from chassis.testing import Signer
from contracts import Event
from contracts.dossier import ChildChanged
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
from planning.consumers import HANDLERS
from planning.reservations.rules import CHANGED_ELSEWHERE

from tests.builders import sample

MOREAU, MARTIN, INES, TOM, LEA = (new_id() for _ in range(5))
ACTIVITY, SITE, WEEK, BOOKING = (new_id() for _ in range(4))
#: The last week of 2026 goes into 2027.
DATES = (date(2026, 12, 29), date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1))
DEADLINE = datetime(2026, 12, 4, 22, 59, tzinfo=UTC)

TYPES: dict[str, type[Booking]] = {
    "confirmed": BookingConfirmed,
    "paid": BookingPaid,
    "expired": BookingExpired,
    "cancelled": BookingCancelled,
}
Ask = Callable[..., Any]


def booking(
    version: int, status: str, children: Sequence[UUID] = (INES,), left: Sequence[UUID] = (), **fields: Any
) -> Booking:
    """A line a child, cancelled for those who have `left`."""
    lines = tuple(
        BookingLine(
            position=position,
            child_id=child,
            holiday_week_id=WEEK,
            activity_id=ACTIVITY,
            site_id=SITE,
            dates=DATES,
            status="cancelled" if child in left else "active",
            refundable=child in left,
        )
        for position, child in enumerate(children)
    )
    values = {
        "booking_id": BOOKING,
        "dossier_id": MOREAU,
        "quote_id": new_id(),
        "confirmed_at": DEADLINE,
        "confirmed_version": 2,
    } | fields
    return TYPES[status](version=version, status=status, lines=lines, **values)


def child(child_id: UUID, first_name: str, *dossiers: UUID, version: int = 1) -> ChildChanged:
    return sample(
        ChildChanged,
        version=version,
        child_id=child_id,
        dossier_ids=dossiers,
        first_name=first_name,
        birth_date=date(2017, 5, 1),
    )


CATALOGUE: tuple[Event, ...] = (
    sample(
        ActivityChanged,
        activity_id=ACTIVITY,
        code="vacances",
        name="Vacances à La Bièvre",
        kind="extrascolaire",
        site_id=None,
    ),
    sample(
        HolidayWeekChanged,
        holiday_week_id=WEEK,
        activity_id=ACTIVITY,
        centre="Accueil de loisirs La Bièvre",
        name="Vacances de Noël, semaine du 28 décembre",
        dates=DATES,
        booking_closes_at=DEADLINE,
        cancellation_closes_at=DEADLINE,
    ),
)
CHILDREN = (child(INES, "Inès", MOREAU), child(TOM, "Tom", MOREAU), child(LEA, "Léa", MARTIN))


async def hear(database: Database, *events: Event) -> None:
    for event in events:
        await handle(database, envelope(event).model_dump_json().encode(), HANDLERS)


@pytest.fixture
def ask(client: aiohttp.ClientSession, signer: Signer) -> Ask:
    async def asked(query: str, role: str = "guardian", dossier_id: UUID | None = MOREAU) -> tuple[int, Any, str]:
        token = signer.token(role, dossier_id=dossier_id if role == "guardian" else None)
        async with client.get(f"/v1/plannings?{query}", headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status, await answer.json(), answer.headers.get("ETag", "")

    return asked


def reserved(planning: Any) -> dict[str | None, list[tuple[str, str]]]:
    """The reserved cells of each child, as date and state of the booking."""
    return {
        row["child_first_name"]: [(c["date"], c["booking_status"]) for c in row["cells"] if c["status"] == "reserved"]
        for row in planning["rows"]
    }


async def test_a_paid_week_shows_as_reserved_day_by_day(database: Database, ask: Ask) -> None:
    await hear(database, *CATALOGUE, *CHILDREN, booking(2, "confirmed", (INES, TOM)), booking(3, "paid", (INES, TOM)))
    status, planning, etag = await ask("month=2026-12")
    assert (status, planning["month"]) == (200, "2026-12")
    week = [(f"2026-12-{day}", "paid") for day in (29, 30, 31)]
    assert reserved(planning) == {"Inès": week, "Tom": week}
    [row, _] = planning["rows"]
    assert (row["child_id"], row["activity_id"], row["activity_name"]) == (
        str(INES),
        str(ACTIVITY),
        "Vacances à La Bièvre",
    )
    assert row["cells"][-1] == {
        "date": "2026-12-31",
        "status": "reserved",
        "booking_id": str(BOOKING),
        "booking_status": "paid",
        "can_change": False,
        "change_until": "2026-12-04T22:59:00Z",
        "reason": CHANGED_ELSEWHERE,
    }
    assert (await ask("month=2026-12"))[2] == etag


async def test_the_etag_changes_with_the_planning(database: Database, ask: Ask) -> None:
    await hear(database, *CATALOGUE, *CHILDREN, booking(2, "confirmed"))
    _, _, before = await ask("month=2026-12")
    await hear(database, booking(3, "paid"))
    _, _, after = await ask("month=2026-12")
    assert before.startswith('"')
    assert after not in ("", before)


async def test_each_month_shows_its_own_days(database: Database, ask: Ask) -> None:
    await hear(database, *CATALOGUE, *CHILDREN, booking(2, "confirmed"))
    assert reserved((await ask("month=2027-01"))[1]) == {"Inès": [("2027-01-01", "confirmed")]}
    for month in ("2026-11", "2027-02", "2000-01", "2099-12"):
        status, planning, _ = await ask(f"month={month}")
        assert (status, planning) == (200, {"month": month, "version": 0, "rows": [], "draft": None})


PAID = (booking(2, "confirmed"), booking(3, "paid"))
EXPIRED = (booking(2, "confirmed"), booking(3, "expired"))
REVIVED = (*EXPIRED, booking(4, "confirmed"), booking(5, "paid"))
CANCELLED = (*REVIVED, booking(6, "cancelled"))


@pytest.mark.parametrize(
    ("history", "ends"),
    [(PAID, "paid"), (EXPIRED, None), (REVIVED, "paid"), (CANCELLED, None)],
    ids=["paid", "expired", "revived", "cancelled"],
)
async def test_every_order_of_a_bookings_events_ends_in_the_same_cells(
    database: Database, ask: Ask, history: tuple[Booking, ...], ends: str | None
) -> None:
    await hear(database, *CATALOGUE)
    wanted: dict[str, list[tuple[str, str]]] = {}
    for number, order in enumerate(permutations(history)):
        # A booking, a child and a dossier of its own for each order, so that all of them stand in one database.
        one, name, dossier = new_id(), f"{number:03}", {"booking_id": new_id()}
        lines = tuple(line.model_copy(update={"child_id": one}) for line in history[0].lines)
        events = [event.model_copy(update=dossier | {"lines": lines}) for event in order]
        await hear(database, child(one, name, MOREAU), *events, events[0])
        if ends:
            wanted[name] = [(str(day), ends) for day in DATES[:3]]
    assert reserved((await ask("month=2026-12"))[1]) == wanted


def changed(version: int, status: str) -> Booking:
    """The booking after Tom's line was cancelled."""
    then = booking(version, status, (INES, TOM), left=(TOM,))
    return BookingChanged(**then.model_dump())


#: Tom's line is cancelled before the payment, and after it; before a lapse, from which only Inès's line is revived.
LEFT_UNPAID = (
    booking(2, "confirmed", (INES, TOM)),
    changed(3, "confirmed"),
    booking(4, "paid", (INES, TOM), left=(TOM,)),
)
LEFT_PAID = (
    booking(2, "confirmed", (INES, TOM)),
    booking(3, "paid", (INES, TOM)),
    changed(4, "paid"),
)
LEFT_REVIVED = (
    booking(2, "confirmed", (INES, TOM)),
    changed(3, "confirmed"),
    booking(4, "expired", (INES, TOM), left=(TOM,)),
    booking(5, "confirmed", (INES, TOM), left=(TOM,)),
    booking(6, "paid", (INES, TOM), left=(TOM,)),
)
ALL_LEFT = (*LEFT_PAID, booking(5, "cancelled", (INES, TOM), left=(INES, TOM)))


@pytest.mark.parametrize(
    ("history", "ends"),
    [(LEFT_UNPAID, "paid"), (LEFT_PAID, "paid"), (LEFT_REVIVED, "paid"), (ALL_LEFT, None)],
    ids=["before payment", "after payment", "before revival", "one by one"],
)
async def test_every_order_of_lines_cancelled_one_by_one_ends_in_the_days_of_those_that_stand(
    database: Database, ask: Ask, history: tuple[Booking, ...], ends: str | None
) -> None:
    await hear(database, *CATALOGUE)
    wanted: dict[str, list[tuple[str, str]]] = {}
    for number, order in enumerate(permutations(history)):
        stays, leaves, name, own = new_id(), new_id(), f"{number:03}", new_id()
        named = {INES: stays, TOM: leaves}
        events = [
            event.model_copy(
                update={
                    "booking_id": own,
                    "lines": tuple(line.model_copy(update={"child_id": named[line.child_id]}) for line in event.lines),
                }
            )
            for event in order
        ]
        await hear(database, child(stays, name, MOREAU), *events, events[0], *events[::-1])
        if ends:
            wanted[name] = [(str(day), ends) for day in DATES[:3]]
    assert reserved((await ask("month=2026-12"))[1]) == wanted


async def test_events_of_one_booking_handled_at_the_same_time_end_in_its_newest_state(
    database: Database, ask: Ask
) -> None:
    await hear(database, *CATALOGUE, *CHILDREN)
    bookings = [(new_id(), {"booking_id": new_id()}) for _ in range(10)]
    histories = [
        [event.model_copy(update=own | {"lines": (event.lines[0].model_copy(update={"child_id": one}),)})]
        for one, own in bookings
        for event in REVIVED
    ]
    await asyncio.gather(*(hear(database, *events) for events in reversed(histories)))
    _, planning, _ = await ask("month=2026-12")
    assert len(planning["rows"]) == len(bookings)
    assert {c["booking_status"] for row in planning["rows"] for c in row["cells"] if c["booking_id"]} == {"paid"}


async def test_a_newer_event_replaces_the_days_of_the_older(database: Database, ask: Ask) -> None:
    await hear(database, *CATALOGUE, *CHILDREN, booking(2, "confirmed", (INES, TOM)), booking(3, "paid", (TOM,)))
    assert list(reserved((await ask("month=2026-12"))[1])) == ["Tom"]


async def test_copies_may_arrive_after_the_booking(database: Database, ask: Ask) -> None:
    await hear(database, booking(2, "confirmed"))
    status, planning, _ = await ask(f"month=2026-12&child_id={INES}")
    assert (status, list(reserved(planning)), planning["rows"][0]["activity_name"]) == (200, [None], None)
    await hear(database, *CATALOGUE, *CHILDREN)
    [row] = (await ask(f"month=2026-12&child_id={INES}"))[1]["rows"]
    assert (row["child_first_name"], row["activity_name"]) == ("Inès", "Vacances à La Bièvre")
    assert row["cells"][-1]["change_until"] == "2026-12-04T22:59:00Z"


async def test_an_older_copy_arriving_late_is_void(database: Database, ask: Ask) -> None:
    await hear(database, *CATALOGUE, booking(2, "confirmed"))
    await hear(database, child(INES, "Inès-Marie", MOREAU, version=2), child(INES, "Inès", MARTIN))
    assert list(reserved((await ask("month=2026-12"))[1])) == ["Inès-Marie"]
    assert (await ask(f"month=2026-12&child_id={INES}", dossier_id=MARTIN))[0] == 404


async def test_one_child_alone_when_asked_for(database: Database, ask: Ask) -> None:
    await hear(database, *CATALOGUE, *CHILDREN, booking(2, "confirmed", (INES, TOM)))
    assert list(reserved((await ask(f"month=2026-12&child_id={TOM}"))[1])) == ["Tom"]


async def test_a_child_without_bookings_has_an_empty_month(database: Database, ask: Ask) -> None:
    await hear(database, *CHILDREN)
    status, planning, _ = await ask(f"month=2026-12&child_id={TOM}")
    assert (status, planning["rows"]) == (200, [])


async def test_a_foreign_family_finds_nothing(database: Database, ask: Ask) -> None:
    await hear(database, *CATALOGUE, *CHILDREN, booking(2, "confirmed", (INES, TOM)))
    for query in (f"child_id={INES}", f"dossier_id={MOREAU}", f"child_id={LEA}&dossier_id={MOREAU}"):
        status, problem, _ = await ask(f"month=2026-12&{query}", dossier_id=MARTIN)
        assert (status, problem["type"]) == (404, "urn:problem:not-found")
    for query in (f"child_id={INES}", f"dossier_id={MOREAU}", f"child_id={INES}&dossier_id={MOREAU}"):
        assert (await ask(f"month=2026-12&{query}"))[0] == 200
    assert (await ask("month=2026-12", dossier_id=MARTIN))[1]["rows"] == []
    assert (await ask(f"month=2026-12&child_id={new_id()}"))[0] == 404
    assert (await ask("month=2026-12", dossier_id=None))[0] == 404


async def test_another_dossiers_booking_of_a_shared_child_stays_hidden(database: Database, ask: Ask) -> None:
    await hear(database, *CATALOGUE, child(INES, "Inès", MOREAU, MARTIN), booking(2, "confirmed"))
    for query in ("month=2026-12", f"month=2026-12&child_id={INES}"):
        status, planning, _ = await ask(query, dossier_id=MARTIN)
        assert (status, planning["rows"]) == (200, [])


async def test_an_agent_says_whose_planning(database: Database, ask: Ask) -> None:
    await hear(database, *CATALOGUE, *CHILDREN, booking(2, "confirmed", (INES, TOM)))
    assert list(reserved((await ask(f"month=2026-12&dossier_id={MOREAU}", "agent"))[1])) == ["Inès", "Tom"]
    assert list(reserved((await ask(f"month=2026-12&child_id={TOM}", "agent"))[1])) == ["Tom"]
    assert (await ask(f"month=2026-12&child_id={LEA}&dossier_id={MOREAU}", "agent"))[0] == 404
    assert (await ask(f"month=2026-12&child_id={new_id()}", "agent"))[0] == 404
    status, problem, _ = await ask("month=2026-12", "agent")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/query/dossier_id")


@pytest.mark.parametrize(
    "query", ["", "month=2026-13", "month=9999-12", "month=1999-12", "month=décembre", "month=2026-12&child_id=1"]
)
async def test_what_is_malformed_is_said(ask: Ask, query: str) -> None:
    status, problem, _ = await ask(query)
    assert (status, problem["type"]) == (422, "urn:problem:malformed")


async def test_others_may_not_read_it(ask: Ask, client: aiohttp.ClientSession) -> None:
    for role in ("cashier", "site_staff", "integrator"):
        assert (await ask("month=2026-12", role))[0] == 403
    async with client.get("/v1/plannings?month=2026-12") as answer:
        assert answer.status == 401
