"""A rush on few places: siblings, second thoughts, holds that run out, waiting lists, workers in between."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID

import asyncpg
import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from enrolment.bookings import bookings, holds
from enrolment.waiting_list import offers
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.enrolment.tests.enrolment_scene import FIRST_MONDAY, Town
from services.enrolment.tests.racing import AT_ONCE

#: Calls at the same moment.
CLIENTS = 16


class Rush:
    """Families that want places in two weeks, and do as they please."""

    def __init__(self, town: Town, database: Database, seed: int) -> None:
        self.town, self.database, self.dice = town, database, random.Random(seed)
        self.turn = asyncio.Semaphore(CLIENTS)

    async def begin(self, families: int, places: int) -> None:
        """Of one child or two, and so many places in each week."""
        self.weeks = [await self.town.week(places=places), await self.town.week(after=1, places=places)]
        self.families = [(new_id(), [new_id() for _ in range(self.dice.choice((1, 1, 2)))]) for _ in range(families)]
        children = [(child, dossier_id) for dossier_id, found in self.families for child in found]
        async with self.database.sessions.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO dossiers (id, number, status, missing, priorities, reachable, version)"
                    " SELECT id, id::text, 'active', '{}', '{}', true, 1 FROM unnest(CAST(:ids AS uuid[])) AS id"
                ),
                {"ids": [dossier_id for dossier_id, _ in self.families]},
            )
            await session.execute(
                text(
                    "INSERT INTO children (id, dossier_ids, first_name, birth_date, schooling, resident, version)"
                    " SELECT id, ARRAY[dossier_id], 'Inès', :born, '[]', true, 1"
                    " FROM unnest(CAST(:ids AS uuid[]), CAST(:dossiers AS uuid[])) AS child (id, dossier_id)"
                ),
                {
                    "ids": [child for child, _ in children],
                    "dossiers": [dossier_id for _, dossier_id in children],
                    "born": FIRST_MONDAY.replace(year=FIRST_MONDAY.year - 9, day=1),
                },
            )

    async def together(self, *calls: Awaitable[object]) -> None:
        """In no order, so many at once."""

        async def one(call: Awaitable[object]) -> None:
            async with self.turn:
                await call

        await asyncio.gather(*(one(call) for call in self.dice.sample(calls, len(calls))))

    async def arrive(self, dossier_id: UUID, children: list[UUID]) -> None:
        """Hold and go on, or wait: alone or with the sibling, in one week or in two."""
        lines = [(child, self.dice.choice(self.weeks)) for child in children]
        for _ in range(5):  # places come and go between the two calls
            status, answer = await self.town.post(dossier_id, *lines)
            if status == 201:
                return await self.go_on(dossier_id, answer["id"])
            assert status in (409, 503), answer  # 503: it waited too long for its turn on a busy machine
            status, answer = await self.town.join(dossier_id, *lines)
            if status == 201:
                return None
            assert status in (409, 503), answer
        return None

    async def go_on(self, dossier_id: UUID, booking_id: str) -> None:
        """Confirm, give it up, in part or whole, or let it run out."""
        match self.dice.choice(("confirm", "confirm", "cancel", "line", "nothing")):
            case "confirm":
                await self.town.confirm(dossier_id, booking_id)
                if self.dice.random() < 0.2:
                    await self.town.cancel(dossier_id, booking_id)
            case "cancel":
                await self.town.cancel(dossier_id, booking_id)
            case "line":
                await self.town.cancel(dossier_id, booking_id, 0)
                await self.town.confirm(dossier_id, booking_id)

    async def answer(self, dossier_id: UUID) -> None:
        """Accept what is offered, mostly; refuse it, or let it run out."""
        for entry in (await self.town.entries(dossier_id)).values():
            if entry["status"] == "offered" and (choice := self.dice.random()) < 0.8:
                if choice < 0.2:
                    await self.town.leave(dossier_id, entry["id"])
                    continue
                status, booking = await self.town.accept(dossier_id, entry["id"])
                if status == 201:
                    await self.go_on(dossier_id, booking["id"])

    async def work(self) -> None:
        """As the worker does, each second; what waits too long for its turn is done at the next one."""
        for job in (bookings.expire_holds, offers.pass_on_due):
            with suppress(DBAPIError, asyncpg.LockNotAvailableError):
                async with self.database.sessions.begin() as session:
                    await job(session, clock.now())

    async def offered(self) -> list[UUID]:
        """The dossiers that something is offered to."""
        async with self.database.sessions() as session:
            query = text("SELECT DISTINCT dossier_id FROM waiting_entries WHERE status = 'offered' ORDER BY dossier_id")
            return list(await session.scalars(query))

    async def lines(self, status: str) -> int:
        async with self.database.sessions() as session:
            query = text(
                "SELECT count(*) FROM booking_lines JOIN bookings ON id = booking_id WHERE active AND status = :status"
            )
            return int(await session.scalar(query, {"status": status}) or 0)

    async def all_arrive(self) -> None:
        await self.together(*(self.arrive(*family) for family in self.families), *(self.work() for _ in range(8)))

    async def settles(self, hours_later: Callable[[float], None]) -> None:
        """Until nothing is merely held or offered any more; nobody waits in vain at any moment of it."""
        await self.town.nobody_waits_in_vain()
        hours = 0.0
        while (offered := await self.offered()) or await self.lines("held"):
            await self.together(*(self.answer(dossier_id) for dossier_id in offered), self.work(), self.work())
            await self.town.nobody_waits_in_vain()
            hours += 37  # what was left to run out has
            hours_later(hours)
            await self.together(self.work(), self.work())
            await self.town.nobody_waits_in_vain()

    async def late_comers(self, places: int) -> list[int]:
        """What nobody waits for is for whoever comes late, to the last place and no further: the answers."""
        statuses = []
        for week_id, taken in zip(self.weeks, await self.town.taken(*self.weeks), strict=True):
            for _ in range(places - taken + 1):
                dossier_id, (child,) = await self.town.family(9)
                status, booking = await self.town.post(dossier_id, (child, week_id))
                statuses.append(status)
                if status == 201:
                    await self.town.confirm(dossier_id, booking["id"])
        return statuses


async def all_is_sold(
    town: Town, database: Database, hours_later: Callable[[float], None], *, families: int, places: int, seed: int
) -> None:
    """After a rush on so many places in each of two weeks all are sold, none twice, and nobody waited beside one."""
    rush = Rush(town, database, seed)
    await rush.begin(families, places)
    await rush.all_arrive()
    await rush.settles(hours_later)
    assert (await rush.late_comers(places)).count(409) == len(rush.weeks)
    assert await town.taken(*rush.weeks) == [places, places]
    assert await rush.lines("confirmed") == 2 * places


def so_many_read_before_any_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first holds have all seen their places free before one of them takes anything."""
    barrier, take, first = asyncio.Barrier(AT_ONCE), holds.take, iter(range(AT_ONCE))

    async def wait_then_take(*arguments: object) -> None:
        if next(first, None) is not None:
            await barrier.wait()
        await take(*arguments)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(holds, "take", wait_then_take)
