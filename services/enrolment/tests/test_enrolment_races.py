"""Races in two halves: without the guard they happen, with it they do not. Barriers make each half certain."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.testing import Databases
from enrolment import bookings, places
from enrolment.bookings import HoldExpired, OverlappingWeek, WeekFull, Wish
from enrolment.models import Booking, BookingStatus

AT_ONCE = 8
UNGUARDED = """
    UPDATE holiday_weeks SET taken = taken + wanted.count
    FROM unnest($1::uuid[], $2::integer[]) AS wanted (id, count)
    WHERE holiday_weeks.id = wanted.id RETURNING holiday_weeks.id
"""


@contextmanager
def all_read_before_any_takes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every hold has seen its places and children free before the first one takes anything."""
    barrier, take = asyncio.Barrier(AT_ONCE), places.take

    async def wait_then_take(*arguments: Any) -> set[UUID]:
        await barrier.wait()
        return await take(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(places, "take", wait_then_take)
        yield


async def drop_constraint(databases: Databases, table: str, name: str) -> None:
    connection = await asyncpg.connect(databases.owner_url)
    await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    await connection.close()


async def hold(database: Database, dossier_id: UUID, *lines: tuple[UUID, UUID]) -> Booking | Exception:
    wishes = [Wish(position, *line) for position, line in enumerate(lines)]
    try:
        async with asyncio.timeout(20), database.sessions.begin() as session:
            return (await bookings.hold(session, dossier_id, wishes, False, clock.now()))[0]
    except (WeekFull, OverlappingWeek) as refused:
        return refused


async def hold_the_last_place_at_once(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> tuple[UUID, Sequence[Booking | Exception]]:
    families = [await town.family(9) for _ in range(AT_ONCE)]
    week_id: UUID = await town.week(places=1)
    with all_read_before_any_takes(monkeypatch):
        outcomes = await asyncio.gather(*(hold(database, dossier, (ines, week_id)) for dossier, (ines,) in families))
    return week_id, outcomes


async def test_without_the_guard_the_last_place_is_sold_many_times(
    town: Any, database: Database, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drop_constraint(databases, "holiday_weeks", "ck_holiday_weeks_places")
    monkeypatch.setattr(places, "TAKE", UNGUARDED)
    week_id, outcomes = await hold_the_last_place_at_once(town, database, monkeypatch)
    assert all(isinstance(outcome, Booking) for outcome in outcomes)
    assert await town.taken(week_id) == [AT_ONCE]


async def test_with_the_guard_the_last_place_is_sold_once(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    week_id, outcomes = await hold_the_last_place_at_once(town, database, monkeypatch)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Booking"] + ["WeekFull"] * (AT_ONCE - 1)
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
) -> tuple[list[UUID], Sequence[Booking | Exception]]:
    dossier_id, (ines,) = await town.family(9)
    weeks = [await town.week(centre=f"Centre {n}") for n in range(AT_ONCE)]
    with all_read_before_any_takes(monkeypatch):
        return weeks, await asyncio.gather(*(hold(database, dossier_id, (ines, week)) for week in weeks))


async def test_without_the_constraint_a_child_is_in_two_places_at_once(
    town: Any, database: Database, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drop_constraint(databases, "booking_lines", "ex_booking_lines_overlapping_weeks")
    guard = "ON CONFLICT ON CONSTRAINT ex_booking_lines_overlapping_weeks DO NOTHING"
    monkeypatch.setattr(places, "_INSERT", places._INSERT.replace(guard, ""))
    _, outcomes = await book_one_child_twice_at_once(town, database, monkeypatch)
    assert all(isinstance(outcome, Booking) for outcome in outcomes)


async def test_with_the_constraint_a_child_gets_one_of_the_overlapping_weeks(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks, outcomes = await book_one_child_twice_at_once(town, database, monkeypatch)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Booking"] + ["OverlappingWeek"] * (AT_ONCE - 1)
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
                    await bookings.confirm(session, dossier_id, booking_id, new_id(), end - timedelta(seconds=1))
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
