"""Enrolments heard at the same moment, by several workers, while families validate their months."""

import asyncio
from datetime import date, datetime
from typing import Any

import pytest
from chassis import inbox
from chassis.identifiers import new_id
from chassis.outbox import envelope
from contracts import Event
from contracts.enrolment import EnrolmentChanged
from contracts.planning import EnrolmentApplied
from french.paris import PARIS
from planning.consumers import HANDLERS
from planning.reservations import changing
from sqlalchemy import text

from services.planning.tests.families import Household
from services.planning.tests.races import take_the_guards_away
from services.planning.tests.town import CANTEEN, Desk
from tests.builders import changed, published

FIRST, LAST = date(2026, 12, 7), date(2026, 12, 18)
DAYS = [date(2026, 12, day) for day in (7, 8, 10, 11, 14, 15, 17, 18)]
WEEKDAYS = ("monday", "tuesday", "thursday", "friday")
AT_ONCE, PLACES = 8, 3


async def of_one_school(desk: Desk, count: int) -> list[Household]:
    site_id = new_id()
    return [await Household.enrolled(desk, "Tom", site_id=site_id) for _ in range(count)]


def asks(household: Household, *days: str, first: date = FIRST, last: date = LAST) -> EnrolmentChanged:
    week = household.week(1, *days, first=first, last=last)
    return changed(household.enrolments["Tom", CANTEEN], version=2, usual_weeks=(week,))


@pytest.fixture
def _at_the_first_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "RETRY_DELAYS_S", ())


async def handled(desk: Desk, *events: Event, parked: int = 0) -> None:
    """By as many workers as there are events; all but so many, which waited in a circle and will be tried again."""
    bodies = [envelope(event).model_dump_json().encode() for event in events]
    async with asyncio.timeout(60):
        judged = await asyncio.gather(*(inbox.judge(desk.database, [body], HANDLERS) for body in bodies))
    assert judged == [["done"]] * len(bodies)
    async with desk.database.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM parked")) == parked


async def reserved(desk: Desk) -> dict[date, int]:
    counts = "SELECT day, count(*) FROM reservations WHERE status = 'reserved' GROUP BY day"
    async with desk.database.sessions() as session:
        return dict([(*row,) for row in await session.execute(text(counts))])


async def refused(desk: Desk) -> set[date]:
    return {one.date for said in await published(desk.owner, EnrolmentApplied) for one in said.refused}


async def test_the_last_places_of_a_day_go_to_as_many_enrolments(desk: Desk) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": PLACES})
    families = await of_one_school(desk, AT_ONCE)
    await handled(desk, *(asks(one, "monday", last=FIRST) for one in families))
    assert await reserved(desk) == {FIRST: PLACES}
    answers = [one for one in await published(desk.owner, EnrolmentApplied) if one.version == 2]
    assert sorted((len(one.reserved), len(one.refused)) for one in answers) == [(0, 1)] * 5 + [(1, 0)] * 3


async def test_without_the_lock_of_the_slot_and_its_guards_enrolments_oversell_a_day(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": PLACES})
    first, *families = await of_one_school(desk, 1 + AT_ONCE)
    await first.reserve("Tom", CANTEEN, FIRST)  # its slot is there
    await take_the_guards_away(desk, monkeypatch, AT_ONCE)
    await handled(desk, *(asks(one, "monday", last=FIRST) for one in families))
    assert await reserved(desk) == {FIRST: 1 + AT_ONCE}  # of three places


async def test_whole_months_and_usual_weeks_at_once_never_exceed_the_places(desk: Desk) -> None:
    """Validated from the last day to the first, while weeks are applied from the first to the last."""
    await desk.places(CANTEEN, {"ages": [6, 11], "places": PLACES})
    families = await of_one_school(desk, AT_ONCE)
    enrolled, validating = families[::2], families[1::2]
    seen = [await one.etag() for one in validating]
    wishes = [[one.wish("Tom", CANTEEN, day) for day in reversed(DAYS)] for one in validating]
    answers, _ = await asyncio.gather(
        asyncio.gather(
            *(one.validate(*wish, seen=tag) for one, wish, tag in zip(validating, wishes, seen, strict=True))
        ),
        handled(desk, *(asks(one, *WEEKDAYS) for one in enrolled)),
    )
    assert {status for status, _ in answers} <= {200, 409}
    counts = await reserved(desk)
    assert max(counts.values()) <= PLACES
    for day in DAYS:
        assert await desk.taken(CANTEEN, day) == [("6-11", PLACES, counts[day])]
    # Who was refused was so because there was no place, and nobody has given one up since.
    assert {counts[day] for day in await refused(desk)} == {PLACES}


def in_two_steps(household: Household, *order: str) -> EnrolmentChanged:
    """First the one weekday, then both."""
    weeks = [household.week(n, *order[:n], first=FIRST, last=LAST) for n in (1, 2)]
    return changed(household.enrolments["Tom", CANTEEN], version=2, usual_weeks=weeks)


@pytest.mark.usefixtures("_at_the_first_try")
async def test_enrolments_of_several_steps_at_once_never_wait_in_a_circle(desk: Desk) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 4})
    orders = [("monday", "friday"), ("friday", "monday")] * 2
    families = await of_one_school(desk, 4)
    await handled(desk, *(in_two_steps(one, *order) for one, order in zip(families, orders, strict=True)))
    assert await reserved(desk) == {day: 4 for day in DAYS if day.weekday() in (0, 4)}


@pytest.mark.usefixtures("_at_the_first_try")
async def test_whoever_locked_the_places_of_each_step_by_itself_would_wait_in_a_circle(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": AT_ONCE})
    barrier, write = asyncio.Barrier(2), changing.write
    written: set[Any] = set()

    async def write_together(transaction: Any, *arguments: Any) -> None:
        await write(transaction, *arguments)
        if transaction not in written:  # the first step of each
            written.add(transaction)
            await barrier.wait()

    async def nothing(*_: Any) -> None: ...

    one, other = await of_one_school(desk, 2)
    monkeypatch.setattr(changing, "write", write_together)
    monkeypatch.setattr(changing, "hold_places", nothing)
    await handled(desk, in_two_steps(one, "monday", "friday"), in_two_steps(other, "friday", "monday"), parked=1)
    assert await reserved(desk) == {day: 1 for day in DAYS if day.weekday() in (0, 4)}


async def test_two_versions_of_an_enrolment_at_once_apply_each_wish_once(desk: Desk) -> None:
    for household in await of_one_school(desk, 4):
        enrolment = changed(household.enrolments["Tom", CANTEEN], enrolment_id=new_id(), valid_from=FIRST)
        await household.withdraw("Tom", CANTEEN, date(2026, 12, 6))
        weeks = [household.week(n, *WEEKDAYS[:n], first=FIRST, last=LAST) for n in (1, 2)]
        versions = [changed(enrolment, version=n, usual_weeks=weeks[:n]) for n in (1, 2)]
        await handled(desk, *versions)
        held = [day for _, day in await desk.reserved(household.children["Tom"])]
        assert held == [day for day in DAYS if day.weekday() in (0, 1)]
        count = "SELECT count(*) FROM entries WHERE child_id = :id"
        async with desk.owner.sessions() as session:
            assert await session.scalar(text(count), {"id": household.children["Tom"]}) == 2


async def test_a_validation_and_a_withdrawal_at_once_leave_no_day_after_the_end(desk: Desk) -> None:
    for family in await of_one_school(desk, 4):
        before, seen = family.enrolments["Tom", CANTEEN], await family.etag()
        left: dict[str, Any] = {
            "valid_to": date(2026, 12, 6),
            "status": "withdrawn",
            "withdrawn_at": datetime(2026, 11, 25, 10, tzinfo=PARIS),
            "withdrawn_by": family.week(1, "monday", first=FIRST, last=LAST).asked_by,
        }
        (status, _), _ = await asyncio.gather(
            family.validate(*(family.wish("Tom", CANTEEN, day) for day in DAYS), seen=seen),
            handled(desk, changed(before, version=2, **left)),
        )
        assert status in (200, 409)
        assert await desk.reserved(family.children["Tom"]) == []
