"""What the models declare is what the migrations make, down to the last right; and what is missing is drafted."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from chassis import migrations
from chassis.schema import Part, catalog, service_metadata, steps
from chassis.testing import Databases, create_database, drop_database
from sqlalchemy import Connection

from libs.chassis.tests.toy.toy.main import Base

# One of each kind of thing that a migration can make and a model forget, or the other way round.
STRAY = {
    "column": "ALTER TABLE things ADD COLUMN stray integer",
    "constraint": "ALTER TABLE things ADD CONSTRAINT stray CHECK (size > 0)",
    "exclusion": "ALTER TABLE things ADD CONSTRAINT stray EXCLUDE USING btree (size WITH =)",
    "index": "CREATE INDEX stray ON things (size)",
    "function": "CREATE FUNCTION stray() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "grant": "GRANT UPDATE ON things TO toy_app",
    "table": "CREATE TABLE stray (id uuid PRIMARY KEY, note text NOT NULL DEFAULT '')",
}


@pytest.fixture
async def scratch(postgres: str) -> AsyncIterator[Databases]:
    empty = await create_database(postgres, "toy")
    yield empty
    await drop_database(postgres, empty)


async def schemas(databases: Databases, scratch: Databases) -> tuple[set[Part], set[Part]]:
    return await asyncio.to_thread(migrations.schemas, databases.owner_url, scratch.owner_url, Base.metadata)


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_models_and_migrations_say_the_same(databases: Databases, scratch: Databases) -> None:
    there, declared = await schemas(databases, scratch)
    assert there == declared
    assert {part.kind for part in there} >= {"column", "constraint", "index", "grant"}


@pytest.mark.parametrize("kind", STRAY)
async def test_what_only_one_of_them_says_is_found_and_drafted(
    databases: Databases, scratch: Databases, kind: str
) -> None:
    await execute(databases.owner_url, STRAY[kind])
    there, declared = await schemas(databases, scratch)
    assert there - declared
    assert not declared - there
    # As if the models had it: what is drafted makes the other database the same.
    await execute(scratch.owner_url, *steps(declared, there))
    assert await asyncio.to_thread(migrations.schemas, scratch.owner_url, databases.owner_url, Base.metadata) == (
        there,
        there,
    )


async def test_a_trigger_is_found_and_drafted(databases: Databases, scratch: Databases) -> None:
    trigger = "CREATE TRIGGER stray BEFORE UPDATE ON heard FOR EACH ROW EXECUTE FUNCTION stray()"
    await execute(databases.owner_url, STRAY["function"], trigger)
    there, declared = await schemas(databases, scratch)
    assert {part.kind for part in there - declared} == {"function", "trigger"}
    assert len(steps(declared, there)) == 2


async def test_declared_triggers_and_extensions_are_made(scratch: Databases) -> None:
    metadata = service_metadata("toy", extensions=["btree_gist"], triggers=[STRAY["function"]])

    def made(connection: Connection) -> set[Part]:
        metadata.create_all(connection)
        return catalog(connection)

    found = await asyncio.to_thread(migrations._in_connection, scratch.owner_url, made)
    assert {part.name for part in found if part.kind in ("extension", "function")} == {
        "btree_gist",
        "keep_desk_log",
        "stray",
    }


async def test_the_application_may_only_do_what_is_declared(databases: Databases) -> None:
    application = await asyncpg.connect(databases.url)
    await application.execute("INSERT INTO things (id, name, size) VALUES (gen_random_uuid(), 'chose', 1)")
    await application.execute("UPDATE heard SET version = 2")
    for refused in ("UPDATE things SET size = 2", "DELETE FROM things", "DELETE FROM heard"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(refused)
    await application.close()
