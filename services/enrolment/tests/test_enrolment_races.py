"""Races in two halves: without the guard they happen, with it they do not. Barriers make each half certain."""

import asyncio
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.database import Database
from chassis.idempotency import Once
from chassis.identifiers import new_id
from chassis.testing import Databases
from enrolment.bookings import bookings, cancellations, holds, places
from enrolment.bookings.bookings import HoldExpired, NotHeld
from enrolment.bookings.cancellations import AlreadyExpired
from enrolment.bookings.holds import OverlappingWeek, WeekFull
from enrolment.bookings.models import Booking
from enrolment.bookings.places import Hold, Wish
from enrolment.bookings.rules import BookingStatus
from fastapi import Response

from services.enrolment.tests.enrolment_scene import guardian
from services.enrolment.tests.racing import AT_ONCE, at_once, drop_constraint


@contextmanager
def all_read_before_any_takes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every hold has seen its places and children free before the first one takes anything."""
    barrier, take = asyncio.Barrier(AT_ONCE), holds.take

    async def wait_then_take(*arguments: Any) -> None:
        await barrier.wait()
        await take(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(holds, "take", wait_then_take)
        yield


def without(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take that out of the statement that holds."""
    assert guard in places.HOLD
    monkeypatch.setattr(places, "HOLD", places.HOLD.replace(guard, ""))


async def hold(database: Database, dossier_id: UUID, *lines: tuple[UUID, UUID]) -> Hold | Exception:
    wishes = [Wish(position, *line) for position, line in enumerate(lines)]
    once = Once(dossier_id, new_id().hex, b"")
    try:
        async with asyncio.timeout(20), database.transaction() as connection:
            held = await holds.judge(connection, guardian(dossier_id).acting(None), wishes, False, clock.now())
            await holds.take(connection, held, once.row(Response()))
            return held
    except (WeekFull, OverlappingWeek) as refused:
        return refused


async def hold_the_last_place_at_once(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> tuple[UUID, Sequence[Hold | Exception]]:
    families = [await town.family(9) for _ in range(AT_ONCE)]
    week_id: UUID = await town.week(places=1)
    with all_read_before_any_takes(monkeypatch):
        outcomes = await asyncio.gather(*(hold(database, dossier, (ines, week_id)) for dossier, (ines,) in families))
    return week_id, outcomes


async def test_without_the_guard_the_last_place_is_sold_many_times(
    town: Any, database: Database, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drop_constraint(databases, "holiday_weeks", "ck_holiday_weeks_places")
    without("AND taken + locked.count <= places", monkeypatch)
    week_id, outcomes = await hold_the_last_place_at_once(town, database, monkeypatch)
    assert all(isinstance(outcome, Hold) for outcome in outcomes)
    assert await town.taken(week_id) == [AT_ONCE]


async def test_with_the_guard_the_last_place_is_sold_once(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    week_id, outcomes = await hold_the_last_place_at_once(town, database, monkeypatch)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Hold"] + ["WeekFull"] * (AT_ONCE - 1)
    assert await town.taken(week_id) == [1]


async def test_the_last_place_wanted_by_fifty_requests_at_once_goes_to_one(town: Any) -> None:
    families = [await town.family(9) for _ in range(50)]
    week_id = await town.week(places=1)
    answers = await asyncio.gather(*(town.post(dossier_id, (ines, week_id)) for dossier_id, (ines,) in families))
    assert sorted(status for status, _ in answers) == [201] + [409] * 49
    assert {body["type"] for status, body in answers if status == 409} == {"urn:problem:enrolment:week-full"}
    assert await town.taken(week_id) == [1]


async def test_siblings_racing_for_crossed_weeks_neither_deadlock_nor_keep_a_half(town: Any) -> None:
    families = [await town.family(9, 9) for _ in range(20)]
    first, second = await town.week(places=10), await town.week(after=1, places=10)
    answers = await asyncio.gather(
        *(
            town.post(dossier_id, *((ines, first), (lea, second))[:: 1 if n % 2 else -1])
            for n, (dossier_id, (ines, lea)) in enumerate(families)
        )
    )
    assert sorted(status for status, _ in answers) == [201] * 10 + [409] * 10
    assert await town.taken(first, second) == [10, 10]


async def test_keeping_what_is_available_shares_the_last_places_exactly(town: Any) -> None:
    families = [await town.family(9, 9) for _ in range(20)]
    first, second = await town.week(places=7), await town.week(after=1, places=3)
    answers = await asyncio.gather(
        *(
            town.post(dossier_id, *((ines, first), (lea, second))[:: 1 if n % 2 else -1], keep_available=True)
            for n, (dossier_id, (ines, lea)) in enumerate(families)
        )
    )
    assert {status for status, _ in answers} == {201, 409}
    assert sum(len(body["lines"]) for status, body in answers if status == 201) == 10
    assert await town.taken(first, second) == [7, 3]


async def book_one_child_twice_at_once(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[UUID], Sequence[Hold | Exception]]:
    dossier_id, (ines,) = await town.family(9)
    weeks = [await town.week(centre=f"Centre {n}") for n in range(AT_ONCE)]
    with all_read_before_any_takes(monkeypatch):
        return weeks, await asyncio.gather(*(hold(database, dossier_id, (ines, week)) for week in weeks))


async def test_without_the_constraint_a_child_is_in_two_places_at_once(
    town: Any, database: Database, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drop_constraint(databases, "booking_lines", "ex_booking_lines_overlapping_weeks")
    without("ON CONFLICT ON CONSTRAINT ex_booking_lines_overlapping_weeks DO NOTHING", monkeypatch)
    _, outcomes = await book_one_child_twice_at_once(town, database, monkeypatch)
    assert all(isinstance(outcome, Hold) for outcome in outcomes)


async def test_with_the_constraint_a_child_gets_one_of_the_overlapping_weeks(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks, outcomes = await book_one_child_twice_at_once(town, database, monkeypatch)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Hold"] + ["OverlappingWeek"] * (AT_ONCE - 1)
    refused = next(outcome for outcome in outcomes if isinstance(outcome, OverlappingWeek))
    assert "Inès" in refused.errors[0]["detail"]
    assert sum(await town.taken(*weeks)) == 1


async def test_confirming_and_expiring_at_the_same_moment_have_one_outcome(town: Any, database: Database) -> None:
    week_id = await town.week(places=20)
    for n in range(20):
        dossier_id, (ines,) = await town.family(9)
        held = await town.held(dossier_id, (ines, week_id))
        booking_id, end = UUID(held["id"]), datetime.fromisoformat(held["hold_expires_at"])

        async def confirm(dossier_id: UUID = dossier_id, booking_id: UUID = booking_id, end: Any = end) -> bool:
            try:
                async with database.sessions.begin() as session:
                    await bookings.confirm(
                        session, guardian(dossier_id), booking_id, new_id(), end - timedelta(seconds=1)
                    )
            except HoldExpired:
                return False
            return True

        async def expire(end: Any = end) -> None:
            async with database.sessions.begin() as session:
                await bookings.expire_holds(session, end)

        expiring = asyncio.create_task(expire()) if n % 2 else None  # each is the first one half of the time
        confirmed, _ = await asyncio.gather(confirm(), expiring or expire())
        status = (await town.booking(dossier_id, held["id"]))["status"]
        assert status == (BookingStatus.CONFIRMED if confirmed else BookingStatus.EXPIRED)
    still = await town.taken(week_id)
    assert still == [len(await town.published("booking_confirmed"))]


async def test_cancelling_expiring_and_booking_at_once_never_lose_a_place(
    town: Any, database: Database, hours_later: Callable[[float], None]
) -> None:
    week_id, other = await town.week(places=10), await town.week(after=1, places=10)
    families = [await town.family(9, 9) for _ in range(10)]
    made = [await town.held(dossier, (ines, week_id), (lea, other)) for dossier, (ines, lea) in families]
    hours_later(0.5)

    async def expire() -> None:
        async with database.sessions.begin() as session:
            await bookings.expire_holds(session, clock.now())

    newcomers = [await town.family(9, 9) for _ in range(10)]
    await asyncio.gather(
        *(
            town.call("DELETE", f"/v1/bookings/{one['id']}", dossier)
            for one, (dossier, _) in zip(made, families, strict=True)
        ),
        *(expire() for _ in range(3)),
        *(town.post(dossier, (lea, other), (ines, week_id)) for dossier, (ines, lea) in newcomers),
    )
    held = [
        item
        for dossier, _ in newcomers
        for item in (await town.call("GET", "/v1/bookings", dossier))[1]["items"]
        if item["status"] == "held"
    ]
    assert await town.taken(week_id, other) == [len(held), len(held)]


async def cancel_one_line_twice_at_once(town: Any, database: Database) -> UUID:
    """Two guardians cancel the same line, both having found it active; the week has another family's line too."""
    week_id: UUID = await town.week()
    dossier_id, (ines,) = await town.family(9)
    other, (lea,) = await town.family(9)
    await town.confirmed(other, (lea, week_id))
    booking = await town.confirmed(dossier_id, (ines, week_id))

    async def cancel() -> None:
        async with asyncio.timeout(20), database.sessions.begin() as session:
            await cancellations.cancel(session, guardian(dossier_id), UUID(booking["id"]), 0, clock.now())

    await asyncio.gather(cancel(), cancel())
    return week_id


async def test_without_the_lock_a_line_cancelled_twice_at_once_is_told_twice(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier, find = asyncio.Barrier(2), bookings.find

    async def find_unlocked(*arguments: Any, lock: bool) -> Booking:
        found = await find(*arguments, lock=False)
        await barrier.wait()
        return found

    monkeypatch.setattr(cancellations, "find", find_unlocked)
    week_id = await cancel_one_line_twice_at_once(town, database)
    assert await town.taken(week_id) == [1]  # for that, the lock of the week is enough
    assert len(await town.published("booking_cancelled")) == 2


async def test_with_the_lock_a_line_cancelled_twice_at_once_frees_one_place(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier, find = asyncio.Barrier(2), bookings.find

    async def wait_then_find(*arguments: Any, lock: bool) -> Booking:
        await barrier.wait()
        return await find(*arguments, lock=lock)

    monkeypatch.setattr(cancellations, "find", wait_then_find)
    week_id = await cancel_one_line_twice_at_once(town, database)
    assert await town.taken(week_id) == [1]
    assert len(await town.published("booking_cancelled")) == 1


async def test_two_guardians_cancelling_two_lines_at_once_cancel_the_booking(town: Any) -> None:
    first, second = await town.week(places=40), await town.week(after=1, places=40)
    made = []
    for _ in range(10):
        dossier_id, (ines, lea) = await town.family(9, 9)
        made.append((dossier_id, await town.confirmed(dossier_id, (ines, first), (lea, second))))
    answers = await asyncio.gather(
        *(town.cancel(dossier_id, one["id"], position) for dossier_id, one in made for position in (0, 1))
    )
    assert {status for status, _ in answers} == {200}
    assert await town.taken(first, second) == [0, 0]
    for dossier_id, one in made:
        assert (await town.booking(dossier_id, one["id"]))["status"] == "cancelled"
    told = await town.published("booking_changed", "booking_cancelled")
    for _, one in made:
        versions = [(event.version, event.status) for event in told if str(event.booking_id) == one["id"]]
        assert sorted(versions) == [(3, "confirmed"), (4, "cancelled")]


async def test_cancelling_a_line_and_confirming_at_once_leave_one_line_confirmed(town: Any) -> None:
    first, second = await town.week(places=40), await town.week(after=1, places=40)
    for n in range(20):
        dossier_id, (ines, lea) = await town.family(9, 9)
        booking = await town.held(dossier_id, (ines, first), (lea, second))
        (cancelled, _), (confirmed, _) = await at_once(
            n,
            functools.partial(town.cancel, dossier_id, booking["id"], 0),
            functools.partial(town.confirm, dossier_id, booking["id"]),
        )
        assert (cancelled, confirmed) == (200, 202)
        told = [one for one in await town.published() if str(one.booking_id) == booking["id"]]
        assert told[-1].version == 3
        left = [(one.type, [line.status for line in one.lines]) for one in told]
        assert left in (
            [("enrolment.booking_confirmed", ["active"])],  # given up while held, which is nobody else's affair
            [
                ("enrolment.booking_confirmed", ["active", "active"]),
                ("enrolment.booking_changed", ["cancelled", "active"]),
            ],
        )
    assert await town.taken(first, second) == [0, 20]


async def test_cancelling_the_whole_and_confirming_at_once_have_one_outcome(town: Any) -> None:
    week_id = await town.week(places=40)
    for n in range(20):
        dossier_id, (ines,) = await town.family(9)
        booking = await town.held(dossier_id, (ines, week_id))
        (cancelled, _), (confirmed, problem) = await at_once(
            n,
            functools.partial(town.cancel, dossier_id, booking["id"]),
            functools.partial(town.confirm, dossier_id, booking["id"]),
        )
        assert cancelled == 200
        assert confirmed == 202 or problem["type"] == NotHeld.type
        told = [one.status for one in await town.published() if str(one.booking_id) == booking["id"]]
        assert told == (["confirmed", "cancelled"] if confirmed == 202 else [])
    assert await town.taken(week_id) == [0]


async def test_cancelling_late_and_paying_at_once_give_back_only_what_was_not_paid_yet(town: Any) -> None:
    closed = clock.now() - timedelta(days=1)
    first, second = [await town.week(after=n, places=40, cancellation_closes_at=closed) for n in (0, 1)]
    for n in range(20):
        dossier_id, (ines,) = await town.family(9)
        booking = await town.confirmed(dossier_id, (ines, first), (ines, second))
        (status, _), _ = await at_once(
            n,
            functools.partial(town.cancel, dossier_id, booking["id"], 0),
            functools.partial(town.hear, town.billing(booking).settled),
        )
        assert status == 200
        told = [one for one in await town.published() if str(one.booking_id) == booking["id"]][1:]
        assert sorted(one.version for one in told) == [3, 4]
        (changed,) = (one for one in told if one.type == "enrolment.booking_changed")
        paid_first = changed.status == "paid"
        assert [(line.status, line.refundable) for line in changed.lines] == [
            ("cancelled", not paid_first),
            ("active", False),
        ]
        assert (await town.booking(dossier_id, booking["id"]))["status"] == "paid"
    assert await town.taken(first, second) == [0, 20]


@pytest.mark.parametrize("state", ["held", "confirmed"])
async def test_cancelling_a_line_and_expiring_at_once_free_each_place_once(
    town: Any, database: Database, state: str
) -> None:
    first, second = await town.week(places=40), await town.week(after=1, places=40)
    statuses = []
    for n in range(20):
        dossier_id, (ines, lea) = await town.family(9, 9)
        booking = await getattr(town, state)(dossier_id, (ines, first), (lea, second))

        async def expire(booking: Any = booking) -> None:
            if state == "confirmed":
                await town.hear(town.billing(booking).lapsed)
            else:
                async with database.sessions.begin() as session:
                    await bookings.expire_holds(session, datetime.fromisoformat(booking["hold_expires_at"]))

        (status, problem), _ = await at_once(n, functools.partial(town.cancel, dossier_id, booking["id"], 0), expire)
        assert status == 200 or problem["type"] == AlreadyExpired.type
        await expire()  # a hold that was just locked is passed over, until the next turn
        found = await town.booking(dossier_id, booking["id"])
        statuses.append(found["status"])
        assert [line["status"] for line in found["lines"]] == ["cancelled" if status == 200 else "active", "active"]
    assert set(statuses) == {"expired"}
    assert await town.taken(first, second) == [0, 0]


async def test_leaving_and_taking_weeks_at_once_neither_deadlock_nor_lose_a_place(town: Any) -> None:
    """Cancelled lines, newcomers and money that revives meet in two weeks, in both orders."""
    first, second = await town.week(places=30), await town.week(after=1, places=30)
    leaving: list[tuple[UUID, Any]] = []
    expired: list[tuple[UUID, Any]] = []
    for n in range(10):
        for made in (leaving, expired):
            dossier_id, (ines, lea) = await town.family(9, 9)
            lines = [(ines, first), (lea, second)][:: 1 if n % 2 else -1]
            made.append((dossier_id, await town.confirmed(dossier_id, *lines)))
    await town.hear(*(town.billing(one).lapsed for _, one in expired))
    newcomers = [await town.family(9, 9) for _ in range(10)]
    answers = await asyncio.gather(
        *(town.cancel(dossier_id, one["id"], position) for dossier_id, one in leaving for position in (1, 0)),
        *(town.post(dossier_id, (lea, second), (ines, first)) for dossier_id, (ines, lea) in newcomers),
        *(town.hear(town.billing(one).credit) for _, one in expired),
    )
    assert {answer[0] for answer in answers if answer} == {200, 201}
    assert await town.taken(first, second) == [20, 20]
