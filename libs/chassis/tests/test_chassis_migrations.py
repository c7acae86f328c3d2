"""Migrations: harmless when repeated, never in the way, and held against the models."""

import asyncio
from typing import Any

import asyncpg
import pytest
from chassis import migrations
from chassis.testing import Databases, create_database, drop_database
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.exc import DBAPIError
from tests.toy.toy.main import Base


async def test_migrating_twice_or_two_at_once_is_harmless(postgres: str) -> None:
    empty = await create_database(postgres, "toy")
    together = [asyncio.to_thread(migrations.upgrade, "toy", empty.owner_url) for _ in range(2)]
    await asyncio.gather(*together)
    await asyncio.to_thread(migrations.upgrade, "toy", empty.owner_url)
    assert await asyncio.to_thread(migrations.missing, "toy", empty.owner_url, Base.metadata) == []
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


async def test_a_difference_between_models_and_database_is_found(databases: Databases) -> None:
    def missing(metadata: MetaData) -> list[Any]:
        return migrations.missing("toy", databases.owner_url, metadata)

    assert await asyncio.to_thread(missing, Base.metadata) == []
    more = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.tables.values():
        table.to_metadata(more)
    Table("forgotten", more, Column("id", Integer(), primary_key=True))
    assert [found[0] for found in await asyncio.to_thread(missing, more)] == ["add_table"]
    more.remove(more.tables["forgotten"])
    more.remove(more.tables["things"])
    assert [found[0] for found in await asyncio.to_thread(missing, more)] == ["remove_table"]


async def test_the_application_may_not_change_the_schema(databases: Databases) -> None:
    application = await asyncpg.connect(databases.url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await application.execute("DROP TABLE heard")
    await application.close()
