"""Changing what is held while something else happens to it, in two halves where there is a guard to take away."""

import asyncio
import functools
from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.database import Database
from chassis.editing import Seen, Stale, etag
from chassis.testing import Databases
from enrolment.bookings import bookings, changes, places
from enrolment.bookings.bookings import HoldExpired
from enrolment.bookings.changes import Changed, LinesFixed
from enrolment.bookings.holds import WeekFull
from enrolment.bookings.models import Booking
from enrolment.bookings.places import Wish
from enrolment.waiting_list import offers
from enrolment.waiting_list.entries import PlacesLeft

from services.enrolment.tests.enrolment_scene import guardian
from services.enrolment.tests.racing import AT_ONCE, at_once, drop_constraint


async def change(
    database: Database, dossier_id: UUID, booking: dict[str, Any], *lines: tuple[UUID, UUID], keep: bool = False
) -> Changed | Exception:
    """The use case by itself, in a transaction of its own; what it refuses is answered."""
    wishes = [Wish(position, *line) for position, line in enumerate(lines)]
    seen, now = Seen(etag(booking["version"])), clock.now()
    try:
        async with asyncio.timeout(20), database.sessions.begin() as session:
            reach = guardian(dossier_id)
            return await changes.change_lines(session, reach, UUID(booking["id"]), seen, wishes, keep, now)
    except (HoldExpired, LinesFixed, WeekFull, Stale) as refused:
        return refused


async def change_to_the_last_place_at_once(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch, step: str, *, after: bool
) -> tuple[UUID, Sequence[Changed | Exception]]:
    """Every family already holds another week; nobody goes past that step before everybody is there."""
    last: UUID = await town.week(after=1, places=1)
    held = []
    for _ in range(AT_ONCE):
        dossier_id, (ines,) = await town.family(9)
        first = await town.week(places=1)
        held.append((first, dossier_id, ines, await town.held(dossier_id, (ines, first))))
    all_at_once(step, monkeypatch, after=after)
    outcomes = await asyncio.gather(
        *(change(database, dossier_id, booking, (ines, last)) for _, dossier_id, ines, booking in held)
    )
    refused = [isinstance(outcome, Exception) for outcome in outcomes]
    assert [bool(taken) for taken in await town.taken(*(first for first, *_ in held))] == refused
    return last, outcomes


def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert " FOR UPDATE" in offers._LOCK
    monkeypatch.setattr(offers, "_LOCK", offers._LOCK.replace(" FOR UPDATE", ""))


def without_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = "AND taken + locked.count <= places"
    assert guard in places._TAKE
    monkeypatch.setattr(places, "_TAKE", places._TAKE.replace(guard, ""))


def all_at_once(step: str, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """Nobody goes on from that step of a change (or into it) before everybody is there."""
    steps = SimpleNamespace(lock=offers.lock) if step == "lock" else places
    barrier, take_step = asyncio.Barrier(AT_ONCE), getattr(steps, step)

    async def taken_together(*arguments: Any) -> Any:
        if not after:
            await barrier.wait()
        result = await take_step(*arguments)
        if after:
            await barrier.wait()
        return result

    monkeypatch.setattr(steps, step, taken_together)
    monkeypatch.setattr(changes, "offers" if step == "lock" else "places", steps)


async def test_without_the_guards_the_last_place_is_changed_to_many_times(
    town: Any, database: Database, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drop_constraint(databases, "holiday_weeks", "ck_holiday_weeks_places")
    without_lock(monkeypatch)
    without_condition(monkeypatch)
    last, outcomes = await change_to_the_last_place_at_once(town, database, monkeypatch, "read", after=True)
    assert all(isinstance(outcome, Changed) for outcome in outcomes)
    assert await town.taken(last) == [AT_ONCE]


async def test_with_one_guard_or_the_other_the_last_place_is_changed_to_once(
    town: Any, database: Database, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    for guard in ("lock", "update"):
        with monkeypatch.context() as patched:
            if guard == "lock":
                without_condition(patched)
                step, after = "lock", False
            else:
                without_lock(patched)
                step, after = "read", True
            last, outcomes = await change_to_the_last_place_at_once(town, database, patched, step, after=after)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Changed"] + ["WeekFull"] * (AT_ONCE - 1)
        assert await town.taken(last) == [1]


async def test_many_who_keep_what_is_available_share_the_last_place_exactly(town: Any, database: Database) -> None:
    first, last = await town.week(), await town.week(after=1, places=1)
    held = []
    for _ in range(AT_ONCE):
        dossier_id, (ines, lea) = await town.family(9, 9)
        held.append((dossier_id, ines, lea, await town.held(dossier_id, (ines, first))))
    outcomes = await asyncio.gather(
        *(
            change(database, dossier_id, booking, (ines, first), (lea, last), keep=True)
            for dossier_id, ines, lea, booking in held
        )
    )
    changed = [outcome for outcome in outcomes if isinstance(outcome, Changed)]
    assert sorted(len(outcome.booking.standing) for outcome in changed) == [1] * (AT_ONCE - 1) + [2]
    assert sorted(len(outcome.refused) for outcome in changed) == [0] + [1] * (AT_ONCE - 1)
    assert await town.taken(first, last) == [AT_ONCE, 1]


async def change_in_two_tabs_at_once(town: Any, database: Database) -> tuple[list[int], Sequence[Changed | Exception]]:
    """Both have seen the same hold: one goes to the second week, the other one adds a sibling. Places then taken."""
    dossier_id, (ines, lea) = await town.family(9, 9)
    weeks = [await town.week(after=n) for n in range(3)]
    booking = await town.held(dossier_id, (ines, weeks[0]))
    outcomes = await asyncio.gather(
        change(database, dossier_id, booking, (ines, weeks[1])),
        change(database, dossier_id, booking, (ines, weeks[0]), (lea, weeks[2])),
    )
    return await town.taken(*weeks), outcomes


async def test_without_if_match_one_tabs_change_is_lost(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Seen, "refuse_if_older", lambda *_: None)
    taken, outcomes = await change_in_two_tabs_at_once(town, database)
    assert [type(outcome) for outcome in outcomes] == [Changed, Changed]
    assert taken in ([0, 1, 0], [1, 0, 1])  # the last one's; what the other one was told is gone


async def test_with_if_match_one_tab_is_told_to_look_again(town: Any, database: Database) -> None:
    for _ in range(10):
        taken, outcomes = await change_in_two_tabs_at_once(town, database)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Changed", "Stale"]
        assert taken == ([0, 1, 0] if isinstance(outcomes[0], Changed) else [1, 0, 1])


async def expire(database: Database, booking: dict[str, Any]) -> None:
    async with database.sessions.begin() as session:
        await bookings.expire_holds(session, datetime.fromisoformat(booking["hold_expires_at"]))


async def test_without_the_lock_a_hold_that_expires_while_it_is_changed_keeps_a_place_for_ever(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    week_id = await town.week()
    booking = await town.held(dossier_id, (ines, week_id))

    async def find_unlocked(*arguments: Any, lock: bool) -> Booking:
        found = await bookings.find(*arguments, lock=False)
        await expire(database, booking)
        return found

    monkeypatch.setattr(changes, "find", find_unlocked)
    assert isinstance(await change(database, dossier_id, booking, (ines, week_id), (lea, week_id)), Changed)
    await expire(database, booking)
    assert (await town.booking(dossier_id, booking["id"]))["status"] == "expired"
    assert await town.taken(week_id) == [1]


async def test_with_the_lock_a_hold_that_expires_while_it_is_changed_leaves_no_place_taken(
    town: Any, database: Database
) -> None:
    for n in range(10):
        dossier_id, (ines, lea) = await town.family(9, 9)
        week_id = await town.week()
        booking = await town.held(dossier_id, (ines, week_id))
        wanted = functools.partial(change, database, dossier_id, booking, (ines, week_id), (lea, week_id))
        outcome, _ = await at_once(n, wanted, functools.partial(expire, database, booking))
        assert isinstance(outcome, Changed | HoldExpired)
        await expire(database, booking)  # passed over while it was being changed
        assert (await town.booking(dossier_id, booking["id"]))["status"] == "expired"
        assert await town.taken(week_id) == [0]


async def test_what_is_confirmed_or_cancelled_at_the_same_moment_is_changed_before_or_not_at_all(
    town: Any, database: Database
) -> None:
    for n in range(10):
        dossier_id, (ines, lea) = await town.family(9, 9)
        week_id = await town.week()
        booking = await town.held(dossier_id, (ines, week_id))
        wanted = functools.partial(change, database, dossier_id, booking, (ines, week_id), (lea, week_id))
        confirming = n < 5
        ending = functools.partial(town.confirm if confirming else town.cancel, dossier_id, booking["id"])
        outcome, _ = await at_once(n, wanted, ending)
        assert isinstance(outcome, Changed | LinesFixed)
        assert (await town.booking(dossier_id, booking["id"]))["status"] == ("confirmed" if confirming else "cancelled")
        left = (2 if isinstance(outcome, Changed) else 1) if confirming else 0
        assert await town.taken(week_id) == [left]


async def test_whoever_joins_the_waiting_list_while_the_place_is_dropped_is_offered_it(
    town: Any, database: Database
) -> None:
    for n in range(10):
        dossier_id, (ines,) = await town.family(9)
        other, (awa,) = await town.family(9)
        full, free = await town.week(places=1), await town.week(after=1)
        booking = await town.held(dossier_id, (ines, full))
        wanted = functools.partial(change, database, dossier_id, booking, (ines, free))
        outcome, (status, answer) = await at_once(n, wanted, functools.partial(town.join, other, (awa, full)))
        assert isinstance(outcome, Changed)
        assert status == 201 or answer["type"] == PlacesLeft.type
        assert await town.taken(full, free) == [1 if status == 201 else 0, 1]
        await town.nobody_waits_in_vain()
