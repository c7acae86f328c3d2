"""The driver's own connections, for hot paths: one transaction each, and nothing is left of it."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from chassis import database as chassis_database
from chassis.database import Database, connect, fetch
from chassis.identifiers import new_id
from chassis.testing import Databases
from chassis.trouble import is_trouble

from libs.chassis.tests.proxy import proxy
from libs.chassis.tests.tables import Rows
from libs.chassis.tests.waiting import until

ADD = "INSERT INTO things (id, name, size) VALUES ($1, 'table', 1)"


async def one(database: Database) -> int:
    async with database.transaction() as connection:
        return int(await connection.fetchval("SELECT 1"))


async def test_what_ends_well_is_there_and_what_does_not_leaves_nothing(database: Database, rows: Rows) -> None:
    async with database.transaction() as connection:
        await fetch(connection, ADD, new_id())
    assert await rows.count("things") == 1

    async def fail() -> None:
        async with database.transaction() as connection:
            await fetch(connection, ADD, new_id())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await rows.count("things") == 1


async def test_a_connection_is_used_again_with_nothing_left_of_the_last_transaction(database: Database) -> None:
    seen = []
    for _ in range(3):
        async with database.transaction() as connection:
            seen.append(await connection.fetchval("SELECT pg_backend_pid()"))
            ours, others = await connection.fetchrow(
                "SELECT pg_try_advisory_xact_lock(1), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
            )
            assert (ours, others) == (True, 1)
            assert await connection.fetchval("SHOW statement_timeout") == "15s"
            assert await connection.fetchval("SHOW plan_cache_mode") == "force_generic_plan"
    assert len(set(seen)) == 1


async def test_who_waits_too_long_for_one_is_told_that_the_database_is_busy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chassis_database, "POOL_TIMEOUT_S", 0.2)
    free, all_taken = asyncio.Event(), asyncio.Barrier(11)

    async def hold() -> None:
        async with database.transaction():
            await all_taken.wait()
            await free.wait()

    holding = [asyncio.create_task(hold()) for _ in range(10)]
    await all_taken.wait()
    with pytest.raises(TimeoutError) as refused:
        async with database.transaction():
            pass
    assert is_trouble(refused.value)
    free.set()
    await asyncio.gather(*holding)
    assert await one(database) == 1


async def test_it_answers_while_every_connection_of_its_own_is_taken(database: Database) -> None:
    async with AsyncExitStack() as taken:
        for _ in range(20):
            await taken.enter_async_context(database.engine.begin())
        await database.ping()


async def test_a_connection_that_broke_is_replaced(databases: Databases) -> None:
    async with proxy(databases.url) as to_database:
        database = Database(to_database.url)
        assert await one(database) == 1
        await to_database.cut()
        for _ in range(2):  # on the one that broke, then without one
            (broken,) = await asyncio.gather(one(database), return_exceptions=True)
            assert isinstance(broken, BaseException)
            assert is_trouble(broken)
        await to_database.restore()
        assert await one(database) == 1
        await database.close()


async def test_connections_that_a_rush_left_open_end_and_who_comes_later_has_another(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chassis_database, "IDLE_S", 1.0)
    database = Database(databases.url)
    watching = await connect(databases.url)

    async def used(at_once: int) -> list[int]:
        """The server's processes that answered, while so many sessions and as many transactions were open at once."""
        async with AsyncExitStack() as open_ones:
            sessions = [await open_ones.enter_async_context(database.sessions.begin()) for _ in range(at_once)]
            drivers = [await open_ones.enter_async_context(database.transaction()) for _ in range(at_once)]
            return [(await fetch(one, "SELECT pg_backend_pid() AS pid"))[0]["pid"] for one in (*sessions, *drivers)]

    async def open_of(processes: list[int]) -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)"
        return int(await watching.fetchval(query, processes))

    rush = await used(at_once=3)
    assert len(set(rush)) == 6
    await until(lambda: open_of(rush), 0)
    assert not set(await used(at_once=1)) & set(rush)
    await watching.close()
    await database.close()
