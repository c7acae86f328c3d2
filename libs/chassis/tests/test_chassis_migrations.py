"""Migrations: harmless when repeated, never in the way, and held against the models."""

import asyncio

import asyncpg
import pytest
from chassis import migrations
from chassis.testing import Databases, create_database, drop_database
from sqlalchemy.exc import DBAPIError


async def test_migrating_twice_or_two_at_once_is_harmless(postgres: str) -> None:
    empty = await create_database(postgres, "toy")
    together = [asyncio.to_thread(migrations.upgrade, "toy", empty.owner_url) for _ in range(2)]
    await asyncio.gather(*together)
    await asyncio.to_thread(migrations.upgrade, "toy", empty.owner_url)
    await drop_database(postgres, empty)


async def test_a_migration_gives_up_on_a_lock_that_another_session_holds(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "100ms")
    empty = await create_database(postgres, "toy")
    holder = await asyncpg.connect(empty.owner_url)
    await holder.execute("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)")
    async with holder.transaction():
        await holder.execute("LOCK TABLE alembic_version")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await asyncio.to_thread(migrations.upgrade, "toy", empty.owner_url)
    await holder.close()
    await asyncio.to_thread(migrations.upgrade, "toy", empty.owner_url)
    await drop_database(postgres, empty)


async def test_a_migration_waits_for_another_one_longer_than_for_a_lock(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "1ms")
    empty = await create_database(postgres, "toy")
    first = await asyncpg.connect(empty.owner_url)
    await first.execute("SELECT pg_advisory_lock(hashtextextended('migrations', 0))")
    second = asyncio.create_task(asyncio.to_thread(migrations.upgrade, "toy", empty.owner_url))
    done, _ = await asyncio.wait([second], timeout=0.5)
    assert not done
    await first.close()
    await second
    await drop_database(postgres, empty)


async def test_the_application_may_not_change_the_schema(databases: Databases) -> None:
    application = await asyncpg.connect(databases.url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await application.execute("DROP TABLE heard")
    await application.close()
