"""Races of the waiting list in two halves: without the guard they happen, with it they do not."""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis import clock
from chassis.database import Database
from chassis.testing import Databases
from enrolment.bookings import bookings, cancellations
from enrolment.catalogue.models import HolidayWeek
from enrolment.waiting_list import entries, offers, standings
from enrolment.waiting_list.entries import OfferOver, PlacesLeft, WaitingWish
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.enrolment.tests.enrolment_scene import guardian
from services.enrolment.tests.racing import at_once


async def done_or_blocked(database: Database, task: asyncio.Task[Any]) -> None:
    """Until it has ended, or its transaction waits for somebody else's lock."""
    async with asyncio.timeout(20), database.sessions() as session:
        waiting = text(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        while not task.done() and not await session.scalar(waiting):
            await session.rollback()
            await asyncio.sleep(0.001)


def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls of families take no lock of the weeks any more; what frees places still does."""

    async def nothing(*_: Any) -> None:
        pass

    async def unlocked(session: AsyncSession, week_ids: Iterable[UUID], **_: Any) -> dict[UUID, HolidayWeek]:
        return await standings.weeks(session, week_ids)

    monkeypatch.setattr(entries, "offers", SimpleNamespace(lock=nothing, count=offers.count))
    monkeypatch.setattr(entries, "standings", SimpleNamespace(**vars(standings) | {"weeks": unlocked}))


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, database: Database, name: str, other: Callable[[], Awaitable[Any]]
) -> list[asyncio.Task[Any]]:
    """When the use case comes to that step, the other one starts, and goes as far as it can before it goes on."""
    step, tasks = getattr(entries, name), list[asyncio.Task[Any]]()

    async def hooked(*arguments: Any) -> Any:
        if not tasks:
            tasks.append(asyncio.ensure_future(other()))
            await done_or_blocked(database, tasks[0])
        return await step(*arguments)

    monkeypatch.setattr(entries, name, hooked)
    return tasks


# ---------------------------------------------------------------------- a freed place and the public


async def hold_while_it_is_freed(town: Any) -> tuple[UUID, UUID, str, list[int]]:
    """Eight families want the place that a ninth gives up and a tenth waits for."""
    week_id, ((booked, booking_id),) = await town.full()
    dossier_id, (ines,) = await town.family(9)
    entry_id = await town.waits(dossier_id, (ines, week_id))
    public = [await town.family(9) for _ in range(8)]
    holds = [functools.partial(town.post, whose, (child, week_id)) for whose, (child,) in public]
    first = await asyncio.gather(*(hold() for hold in holds[:4]), town.cancel(booked, booking_id))
    second = await asyncio.gather(*(hold() for hold in holds[4:]))
    return week_id, dossier_id, entry_id, [status for status, _ in (*first[:4], *second)]


async def test_where_offers_take_no_place_the_public_slips_in_between(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(offers, "count", nothing)
    week_id, dossier_id, entry_id, statuses = await hold_while_it_is_freed(town)
    assert statuses.count(201) == 1
    assert (await town.accept(dossier_id, entry_id))[0] == 201
    with pytest.raises(AssertionError):  # two children have the one place
        await town.taken(week_id)


async def test_a_freed_place_goes_to_the_one_who_waits_whoever_else_wants_it(town: Any) -> None:
    week_id, dossier_id, entry_id, statuses = await hold_while_it_is_freed(town)
    assert statuses == [409] * 8
    assert await town.taken(week_id) == [1]
    assert (await town.accept(dossier_id, entry_id))[0] == 201
    assert await town.taken(week_id) == [1]


# ---------------------------------------------------------------------- joining while a place is freed


async def join_while_the_place_is_freed(town: Any, database: Database, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """The family has seen the week full when the place is given up."""
    week_id: UUID
    week_id, ((booked, booking_id),) = await town.full()
    dossier_id, (ines,) = await town.family(9)

    async def cancel() -> None:
        async with database.sessions.begin() as session:
            await cancellations.cancel(session, guardian(booked), UUID(booking_id), None, clock.now())

    cancelling = meanwhile(monkeypatch, database, "_refuse_standing", cancel)
    async with database.sessions.begin() as session:
        wishes = [WaitingWish("", ines, week_id)]
        await entries.join(session, guardian(dossier_id).acting(None), wishes, clock.now())
    await cancelling[0]
    return week_id


async def test_without_the_lock_somebody_waits_beside_a_free_place(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_lock(monkeypatch)
    week_id = await join_while_the_place_is_freed(town, database, monkeypatch)
    assert await town.taken(week_id) == [0]
    with pytest.raises(AssertionError):
        await town.nobody_waits_in_vain()


async def test_with_the_lock_whoever_joins_is_offered_the_place_that_is_freed_just_then(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    week_id = await join_while_the_place_is_freed(town, database, monkeypatch)
    assert await town.taken(week_id) == [1]
    await town.nobody_waits_in_vain()


async def test_joining_and_cancelling_at_once_leave_nobody_beside_a_free_place(town: Any) -> None:
    for n in range(10):
        week_id, ((booked, booking_id),) = await town.full(after=n)
        dossier_id, (ines,) = await town.family(9)
        (status, answer), _ = await at_once(
            n,
            functools.partial(town.join, dossier_id, (ines, week_id)),
            functools.partial(town.cancel, booked, booking_id),
        )
        assert status == 201 or answer["type"] == PlacesLeft.type
        assert await town.taken(week_id) == [1 if status == 201 else 0]
        await town.nobody_waits_in_vain()


async def test_a_last_place_wanted_by_the_public_and_by_who_would_wait_ends_right(town: Any) -> None:
    """Either it was still free, then nobody waits for it; or it was gone, then they do."""
    for n in range(10):
        week_id = await town.week(after=n, places=1)
        (public, (tom,)), (dossier_id, (ines,)) = await town.family(9), await town.family(9)
        (held, _), (joined, answer) = await at_once(
            n,
            functools.partial(town.post, public, (tom, week_id)),
            functools.partial(town.join, dossier_id, (ines, week_id)),
        )
        assert held == 201
        assert joined == 201 or answer["type"] == PlacesLeft.type
        assert await town.taken(week_id) == [1]
        await town.nobody_waits_in_vain()


# ---------------------------------------------------------------------- an offer that ends


async def accept_as_it_ends(town: Any, database: Database, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """The family accepts at the last moment, having found the offer standing; the worker ends it at the next one."""
    week_id: UUID
    week_id, ((booked, booking_id),) = await town.full()
    families = [await town.family(9) for _ in range(2)]
    waiting = [await town.waits(dossier_id, (child, week_id)) for dossier_id, (child,) in families]
    await town.cancel(booked, booking_id)
    dossier_id = families[0][0]
    end = datetime.fromisoformat((await town.entry(dossier_id, waiting[0]))["offer_expires_at"])

    async def run_out() -> None:
        async with database.sessions.begin() as session:
            await offers.pass_on_due(session, end)

    ending = meanwhile(monkeypatch, database, "_busy", run_out)
    async with database.sessions.begin() as session:
        await entries.accept(session, guardian(dossier_id), UUID(waiting[0]), end - timedelta(seconds=1))
    await ending[0]
    return week_id


async def test_without_the_lock_an_offer_is_accepted_and_passed_on(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_lock(monkeypatch)
    week_id = await accept_as_it_ends(town, database, monkeypatch)
    with pytest.raises(AssertionError):  # two families have the one place
        await town.taken(week_id)


async def test_with_the_lock_an_offer_is_accepted_or_passed_on(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    week_id = await accept_as_it_ends(town, database, monkeypatch)
    assert await town.taken(week_id) == [1]


async def test_accepting_refusing_and_running_out_at_once_have_one_outcome(town: Any, database: Database) -> None:
    for n in range(12):
        week_id, ((booked, booking_id),) = await town.full(after=n)
        (dossier_id, (ines,)), (other, (lea,)) = await town.family(9), await town.family(9)
        mine, theirs = await town.waits(dossier_id, (ines, week_id)), await town.waits(other, (lea, week_id))
        await town.cancel(booked, booking_id)
        end = datetime.fromisoformat((await town.entry(dossier_id, mine))["offer_expires_at"])

        async def run_out(end: datetime = end) -> None:
            async with database.sessions.begin() as session:
                await offers.pass_on_due(session, end)

        calls: list[Callable[[], Awaitable[Any]]] = [
            functools.partial(town.accept, dossier_id, mine),
            functools.partial(town.leave, dossier_id, mine),
            run_out,
        ]
        order = random.Random(n).sample(range(3), 3)
        answers = dict(zip(order, await asyncio.gather(*(calls[one]() for one in order)), strict=True))
        mine_now, theirs_now = await town.entry(dossier_id, mine), await town.entry(other, theirs)
        assert mine_now["status"] in ("accepted", "refused", "lapsed")
        assert (answers[0][0] == 201) == (mine_now["status"] == "accepted")
        assert theirs_now["status"] == ("waiting" if mine_now["status"] == "accepted" else "offered")
        if answers[0][0] != 201:
            assert answers[0][1]["type"] == OfferOver.type
        assert await town.taken(week_id) == [1]


async def test_an_offer_accepted_many_times_at_once_is_one_booking(town: Any) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    dossier_id, (ines,) = await town.family(9)
    entry_id = await town.waits(dossier_id, (ines, week_id))
    await town.cancel(booked, booking_id)
    answers = await asyncio.gather(*(town.accept(dossier_id, entry_id) for _ in range(10)))
    assert sorted(status for status, _ in answers) == [201] + [409] * 9
    assert await town.taken(week_id) == [1]


async def test_an_offer_accepted_while_the_child_is_booked_elsewhere_is_one_of_both(town: Any) -> None:
    here, ((booked, booking_id),) = await town.full()
    dossier_id, (ines,) = await town.family(9)
    entry_id = await town.waits(dossier_id, (ines, here))
    await town.cancel(booked, booking_id)
    elsewhere = await town.week(centre="Le Moulin")
    (accepted, _), (held, _) = await asyncio.gather(
        town.accept(dossier_id, entry_id), town.post(dossier_id, (ines, elsewhere))
    )
    assert sorted((accepted, held)) == [201, 409]
    assert await town.taken(here, elsewhere) == [1, 1 if held == 201 else 0]


# ---------------------------------------------------------------------- several workers, and one that dies


async def test_several_workers_end_each_offer_once(town: Any, database: Database) -> None:
    places = 5
    week_id, made = await town.full(places)
    families = [await town.family(9) for _ in range(2 * places)]
    waiting = [(dossier_id, await town.waits(dossier_id, (child, week_id))) for dossier_id, (child,) in families]
    for one in made:
        await town.cancel(*one)
    last = await town.entry(*waiting[places - 1])
    end = datetime.fromisoformat(last["offer_expires_at"])

    async def work() -> None:
        async with database.sessions.begin() as session:
            await offers.pass_on_due(session, end)

    await asyncio.gather(*(work() for _ in range(4)))
    assert [(await town.entry(*one))["status"] for one in waiting] == ["lapsed"] * places + ["offered"] * places
    assert await town.taken(week_id) == [places]
    titles = [one.title for one in await town.published("notice_written")]
    assert sum("a pris fin" in title for title in titles) == places
    assert sum("est gardée pour vous" in title for title in titles) == 2 * places


async def test_who_dies_in_between_frees_and_offers_nothing(town: Any, database: Database) -> None:
    week_id = await town.week(places=1)
    booked, (tom,) = await town.family(9)
    held = await town.held(booked, (tom, week_id))
    dossier_id, (ines,) = await town.family(9)
    entry_id = await town.waits(dossier_id, (ines, week_id))
    over = datetime.fromisoformat(held["hold_expires_at"])

    async def expire(*, die: bool) -> None:
        async with database.sessions.begin() as session:
            await bookings.expire_holds(session, over)
            if die:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await expire(die=True)
    assert (await town.entry(dossier_id, entry_id))["status"] == "waiting"
    assert (await town.booking(booked, held["id"]))["status"] == "held"
    assert len(await town.published("notice_written")) == 1
    await expire(die=False)
    assert (await town.entry(dossier_id, entry_id))["status"] == "offered"
    assert await town.taken(week_id) == [1]
    assert len(await town.published("notice_written")) == 2


# ---------------------------------------------------------------------- locks in one order


async def test_weeks_that_a_group_joins_meanwhile_are_locked_too(
    town: Any, database: Database, databases: Databases
) -> None:
    """Somebody who waits for a week's lock while a group joins it has the group's other week as well."""
    first, second = sorted([(await town.full())[0], (await town.full(after=1))[0]])
    dossier_id, (ines, lea) = await town.family(9, 9)

    async def lock(session: Any) -> None:
        await offers.lock(session, [second])

    async with database.sessions() as session:
        async with database.sessions.begin() as joining:
            wishes = [WaitingWish("", ines, second), WaitingWish("/together/0", lea, first)]
            await entries.join(joining, guardian(dossier_id).acting(None), wishes, clock.now())
            locking = asyncio.create_task(lock(session))
            await done_or_blocked(database, locking)
            assert not locking.done()
        await locking
        connection = await asyncpg.connect(databases.owner_url)
        for week_id in (first, second):
            with pytest.raises(asyncpg.LockNotAvailableError):
                await connection.execute("SELECT FROM holiday_weeks WHERE id = $1 FOR UPDATE NOWAIT", week_id)
        await connection.close()
        await session.rollback()


@pytest.mark.parametrize("seed", range(3))
async def test_everything_at_once_neither_deadlocks_nor_leaves_a_place_idle(
    town: Any, database: Database, seed: int
) -> None:
    """Groups over two weeks in both orders, singles, newcomers, cancels, refusals, accepts and expiring holds."""
    dice = random.Random(seed)
    first, second = await town.week(places=6), await town.week(after=1, places=6)
    made: list[tuple[UUID, str]] = []
    for week_id in [first, second] * 6:
        dossier_id, (child,) = await town.family(9)
        made.append((dossier_id, (await town.confirmed(dossier_id, (child, week_id)))["id"]))
    calls: list[Callable[[], Awaitable[Any]]] = [functools.partial(town.cancel, *one) for one in made]
    mine: list[tuple[UUID, str]] = []
    for n in range(12):
        dossier_id, (ines, lea) = await town.family(9, 9)
        lines = [(ines, first), (lea, second)][:: 1 if n % 2 else -1]
        match n % 3:
            case 0:
                mine.append((dossier_id, await town.waits(dossier_id, *lines)))
            case 1:
                mine.append((dossier_id, await town.waits(dossier_id, lines[0])))
            case _:
                calls.append(functools.partial(town.join, dossier_id, *lines))
                calls.append(functools.partial(town.post, dossier_id, *lines))
    for one in mine:
        calls += [functools.partial(dice.choice((town.accept, town.leave)), *one)]

    async def work() -> None:
        async with database.sessions.begin() as session:
            await offers.pass_on_due(session, clock.now())

    calls += [work] * 4
    dice.shuffle(calls)
    answers = await asyncio.gather(*(call() for call in calls))
    assert {answer[0] for answer in answers if answer} <= {200, 201, 409}
    assert all(taken <= 6 for taken in await town.taken(first, second))
    await town.nobody_waits_in_vain()
