"""What every table declares of the law, and how long it keeps its rows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from chassis import law
from chassis.app import create_app
from chassis.database import Database
from chassis.law import AT_ONCE, Law, impersonal, part_of, personal
from chassis.schema import KEEP_EVENTS, may, service_metadata
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing import create_database, drop_database
from sqlalchemy import Column, DateTime, ForeignKey, MetaData, Table, Uuid, text

from deploy.local.prepare import services
from libs.chassis.tests.toy.toy.main import SERVICE, Notice

NOW = datetime(2026, 12, 7, 9, tzinfo=UTC)


def declared(said: Law | None) -> MetaData:
    """The plumbing, and one table that says that."""
    metadata = service_metadata("toy")
    columns = (Column("id", Uuid(), primary_key=True), Column("child_id", Uuid()))
    Table("diaries", metadata, *columns, **(may(law=said) if said else {}))
    return metadata


@pytest.mark.parametrize("said", [personal("Carnets", child="child_id"), impersonal("as long as the toy")])
def test_a_table_that_says_what_the_law_asks_is_well(said: Law) -> None:
    assert law.faults(declared(said)) == []


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (None, "declare what the law asks of it"),
        (personal("Carnets", dossier="dossier_id"), "column dossier_id is not there"),
        (personal("Carnets", child="child_id", hidden=("secret",)), "column secret is not there"),
        (personal("Carnets"), "of whom"),
        (personal("", child="child_id"), "what it holds"),
        (part_of("shelves", "Carnets"), "no table shelves"),
        (part_of("outbox", "Carnets"), "by which column"),
    ],
)
def test_one_that_does_not_or_says_what_cannot_be_is_named(said: Law | None, fault: str) -> None:
    [found] = law.faults(declared(said))
    assert found.startswith("diaries: ")
    assert fault in found


def test_a_service_with_a_table_without_its_law_does_not_start(settings: ServiceSettings, database: Database) -> None:
    create_app(SERVICE, settings, database)
    with pytest.raises(RuntimeError, match="diaries"):
        create_app(Service("toy", ServiceSettings, declared(None), notice=Notice), settings, database)


def test_every_table_of_every_service_says_it_and_forgets_what_is_over() -> None:
    tables = [(service, table) for service in services() for table in service.metadata.sorted_tables]
    assert len(tables) > 80
    assert [fault for service in services() for fault in law.faults(service.metadata)] == []
    for service in services():
        assert [job for job in service.jobs if job.run.__name__ == "forget_what_is_over"], service.name


def test_what_the_law_deletes_the_application_may_delete() -> None:
    assert may(law=personal("Carnets", child="child_id"))["info"]["rights"] == ("DELETE",)
    assert may("UPDATE", law=impersonal(("at", AT_ONCE)))["info"]["rights"] == ("UPDATE", "DELETE")
    assert may("UPDATE", law=impersonal("for ever"))["info"]["rights"] == ("UPDATE",)
    assert may(law=personal("Factures", dossier="dossier_id", stays="accounting law"))["info"]["rights"] == ()


LOANS = service_metadata("toy")
Table(
    "loans",
    LOANS,
    Column("id", Uuid(), primary_key=True),
    Column("ends_at", DateTime(timezone=True)),
    **may("UPDATE", law=personal("Prêts", dossier="id", kept=("ends_at", timedelta(days=1)))),
)
Table(
    "pages",
    LOANS,
    Column("loan_id", ForeignKey("loans.id"), primary_key=True),
    **may(law=part_of("loans", "Pages")),
)


@pytest.fixture
async def loans(postgres: str) -> AsyncIterator[Database]:
    """A database of loans that are kept for a day after their end, each with its page."""
    made = await create_database(postgres, "toy")
    owner = Database(made.owner_url)
    async with owner.engine.begin() as connection:
        await connection.run_sync(LOANS.create_all)
    await owner.close()
    database = Database(made.url)
    yield database
    await database.close()
    await drop_database(postgres, made)


async def test_each_row_goes_when_it_was_kept_long_enough_with_its_parts(loans: Database) -> None:
    over, lasting, endless, in_use = (uuid4() for _ in range(4))
    async with loans.sessions.begin() as session:
        for one, ends_at in (
            (over, NOW - timedelta(days=1)),
            (in_use, NOW - timedelta(days=1)),
            (lasting, NOW - timedelta(hours=23)),
            (endless, None),
        ):
            await session.execute(LOANS.tables["loans"].insert().values(id=one, ends_at=ends_at))
            await session.execute(LOANS.tables["pages"].insert().values(loan_id=one))
        await session.execute(
            LOANS.tables["inbox"].insert(),
            [{"event_id": uuid4(), "handled_at": NOW - KEEP_EVENTS + timedelta(days=day)} for day in (-1, 0, 1)],
        )

    async def left(table: str, key: str) -> set[UUID]:
        async with loans.sessions.begin() as session:
            return set(await session.scalars(text(f"SELECT {key} FROM {table}")))

    async with loans.sessions.begin() as user:
        await user.execute(text("SELECT id FROM loans WHERE id = :id FOR UPDATE"), {"id": in_use})
        async with loans.sessions.begin() as session:
            await law.forget(session, LOANS, NOW)
        assert await left("loans", "id") == await left("pages", "loan_id") == {lasting, endless, in_use}
        assert len(await left("inbox", "event_id")) == 1
    async with loans.sessions.begin() as session:
        await law.forget(session, LOANS, NOW)
    assert await left("loans", "id") == await left("pages", "loan_id") == {lasting, endless}
