"""Cut off from the database before any statement, the commit too, nothing is left half done; the next turn does it."""

import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from asyncpg.prepared_stmt import PreparedStatement
from chassis import clock
from chassis.database import Database
from chassis.testing import Databases
from enrolment.bookings import bookings, cancellations
from enrolment.waiting_list import entries, offers
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.enrolment.tests.enrolment_scene import Town, guardian

Step = Callable[[AsyncSession], Awaitable[object]]
TABLES = ("holiday_weeks", "bookings", "booking_lines", "waiting_entries", "outbox")


@contextmanager
def cut_before(statement: int, server: asyncpg.Connection) -> Iterator[None]:
    """Before the statement of that number, from 0, the server ends the connection."""
    numbers = itertools.count()
    execute, run, bound = asyncpg.Connection.execute, asyncpg.Connection._execute, "_PreparedStatement__bind_execute"
    bind = getattr(PreparedStatement, bound)

    async def counted(connection: asyncpg.Connection) -> None:
        if connection is not server and next(numbers) == statement:
            await server.execute(f"SELECT pg_terminate_backend({connection.get_server_pid()}, 5000)")

    async def executed(self: asyncpg.Connection, *arguments: Any, **named: Any) -> Any:
        await counted(self)
        return await execute(self, *arguments, **named)

    async def ran(self: asyncpg.Connection, *arguments: Any, **named: Any) -> Any:
        await counted(self)
        return await run(self, *arguments, **named)

    async def sent(self: PreparedStatement, *arguments: Any) -> Any:
        await counted(self._connection)
        return await bind(self, *arguments)

    with (
        mock.patch.object(asyncpg.Connection, "execute", executed),
        mock.patch.object(asyncpg.Connection, "_execute", ran),
        mock.patch.object(PreparedStatement, bound, sent),
    ):
        yield


async def a_hold_runs_out(town: Town, week_id: UUID) -> tuple[Step, str]:
    dossier_id, (child,) = await town.family(9)
    await town.held(dossier_id, (child, week_id))
    over = clock.now() + timedelta(minutes=21)
    return lambda session: bookings.expire_holds(session, over), "offered"


async def a_booking_is_cancelled(town: Town, week_id: UUID) -> tuple[Step, str]:
    dossier_id, (child,) = await town.family(9)
    booking_id = UUID((await town.confirmed(dossier_id, (child, week_id)))["id"])
    return (
        lambda session: cancellations.cancel(session, guardian(dossier_id), booking_id, None, clock.now()),
        "offered",
    )


async def offered_to_another(town: Town, week_id: UUID) -> tuple[UUID, UUID]:
    """The dossier and entry of somebody who waited before the one that is looked at."""
    (booked, (child,)), (dossier_id, (ines,)) = await town.family(9), await town.family(9)
    booking_id = (await town.confirmed(booked, (child, week_id)))["id"]
    entry_id = UUID(await town.waits(dossier_id, (ines, week_id)))
    await town.cancel(booked, booking_id)
    return dossier_id, entry_id


async def an_offer_runs_out(town: Town, week_id: UUID) -> tuple[Step, str]:
    await offered_to_another(town, week_id)
    over = clock.now() + timedelta(days=3)
    return lambda session: offers.pass_on_due(session, over), "offered"


async def an_offer_is_refused(town: Town, week_id: UUID) -> tuple[Step, str]:
    dossier_id, entry_id = await offered_to_another(town, week_id)
    return lambda session: entries.leave(session, guardian(dossier_id), entry_id, clock.now()), "offered"


async def an_offer_is_accepted(town: Town, week_id: UUID) -> tuple[Step, str]:
    dossier_id, entry_id = await offered_to_another(town, week_id)
    return lambda session: entries.accept(session, guardian(dossier_id), entry_id, clock.now()), "waiting"


@pytest.mark.parametrize(
    "scene",
    [a_hold_runs_out, a_booking_is_cancelled, an_offer_runs_out, an_offer_is_refused, an_offer_is_accepted],
    ids=lambda scene: scene.__name__,
)
async def test_cut_off_at_any_step_it_is_done_whole_or_not_at_all(
    town: Town,
    database: Database,
    databases: Databases,
    postgres: str,
    scene: Callable[[Town, UUID], Awaitable[tuple[Step, str]]],
) -> None:
    week_id = await town.week(places=1)
    step, becomes = await scene(town, week_id)
    dossier_id, (child,) = await town.family(9)
    entry_id = await town.waits(dossier_id, (child, week_id))
    server = await asyncpg.connect(urlsplit(postgres)._replace(path=urlsplit(databases.url).path).geturl())

    async def stored() -> list[Any]:
        return [await server.fetch(f"SELECT to_jsonb(t)::text AS row FROM {name} t ORDER BY 1") for name in TABLES]

    before = await stored()
    for statement in itertools.count():
        with (
            suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError),
            cut_before(statement, server),
        ):
            async with database.sessions.begin() as session:
                await step(session)
            break
        assert await stored() == before
    assert statement > 5  # of that many steps each was the last one once
    assert await stored() != before
    await server.close()
    assert (await town.entry(dossier_id, entry_id))["status"] == becomes
    assert await town.taken(week_id) == [1]
    await town.nobody_waits_in_vain()
