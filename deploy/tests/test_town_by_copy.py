"""A town made by COPY is the one that the services' events make: what each owns, and what the others keep of it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis import clock, towns
from chassis.copies import Keep
from chassis.database import Database
from chassis.identifiers import named_id
from chassis.inbox import handle
from chassis.outbox import envelope
from chassis.testing import create_database
from contracts import EVENTS, Envelope
from contracts.enrolment import Booking, EnrolmentChanged
from enrolment.enrolments.enrolments import event_of
from enrolment.enrolments.models import Enrolment
from planning.consumers import HANDLERS
from sqlalchemy import select

from deploy.local.prepare import of_families, prepared, services
from deploy.local.stack import SERVICES, TOWN
from deploy.servers.errors import LauncherError
from deploy.servers.waiting import complete

#: Beside those written in the town's file, which enrol by themselves.
FAMILIES = 30
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Town:
    """Where its services' databases are: the application's URLs, and the owners'."""

    urls: Mapping[str, str]
    owner_urls: Mapping[str, str]

    async def rows(self, service: str, table: str, columns: str = "*") -> Rows:
        connection = await asyncpg.connect(self.owner_urls[service])
        try:
            return sorted((tuple(row) for row in await connection.fetch(f"SELECT {columns} FROM {table}")), key=repr)
        finally:
            await connection.close()


@pytest.fixture(scope="module", autouse=True)
def moment() -> Iterator[pytest.MonkeyPatch]:
    """The same for every town, whose children would be a day younger after midnight."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: datetime(2026, 11, 24, 11, tzinfo=UTC))
        yield patch


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return of_families(towns.read(TOWN), FAMILIES)


@pytest.fixture(scope="module")
def by_copy(postgres: str, described: dict[str, Any]) -> Town:
    return made(postgres, described, by_copy=True)


@pytest.fixture(scope="module")
def by_events(postgres: str, described: dict[str, Any], by_copy: Town) -> Town:
    """The same, of which everybody is told; and who is enrolled in the other one is enrolled by an event each."""
    town = made(postgres, described, by_copy=False)
    complete(enrolled(town, by_copy))
    return town


def made(postgres: str, described: dict[str, Any], *, by_copy: bool) -> Town:
    databases = {name: complete(create_database(postgres, name)) for name in SERVICES}
    town = Town({n: one.url for n, one in databases.items()}, {n: one.owner_url for n, one in databases.items()})
    with ThreadPoolExecutor(1) as threads:  # migrations run loops of their own
        threads.submit(prepared, described, town.owner_urls, by_copy=by_copy).result()
    complete(told(town))
    return town


async def told(town: Town) -> None:
    """What waits in the outboxes goes through the inbox of each who listens, until nothing waits."""
    async with opened(town) as databases:
        while bodies := [body for name in SERVICES for body in await taken(town.owner_urls[name])]:
            for service in services():
                for body in bodies:
                    if EVENTS[Envelope.model_validate_json(body).type] in service.handlers:
                        await handle(databases[service.name], body, service.handlers)


async def taken(url: str) -> list[bytes]:
    connection = await asyncpg.connect(url)
    try:
        return [body for (body,) in await connection.fetch("DELETE FROM outbox RETURNING body")]
    finally:
        await connection.close()


@asynccontextmanager
async def opened(town: Town) -> AsyncIterator[Mapping[str, Database]]:
    databases = {name: Database(url) for name, url in town.urls.items()}
    try:
        yield databases
    finally:
        for database in databases.values():
            await database.close()


async def enrolled(town: Town, other: Town) -> None:
    """Who is enrolled in the other town is so here, and what their usual weeks ask for is reserved."""
    async with opened(town) as databases:
        here = {event.enrolment_id for event in await enrolments(town)}
        await owned(town, other, here)
        for event in await enrolments(other):
            if event.enrolment_id in here:
                continue
            body = envelope(event).model_dump_json().encode()
            await handle(databases["planning"], body, HANDLERS)
    await told(town)


async def owned(town: Town, other: Town, here: set[UUID]) -> None:
    """The other town's enrolments are here as well: an answer about one that is not there is dropped."""
    theirs, ours = [await asyncpg.connect(one.owner_urls["enrolment"]) for one in (other, town)]
    try:
        rows = await theirs.fetch("SELECT * FROM enrolments WHERE id <> ALL($1)", list(here))
        await ours.copy_records_to_table("enrolments", records=map(tuple, rows), columns=list(rows[0].keys()))
    finally:
        await theirs.close()
        await ours.close()


async def enrolments(town: Town) -> list[EnrolmentChanged]:
    """What enrolment tells of each."""
    async with opened(town) as databases, databases["enrolment"].sessions() as session:
        return [event_of(one) for one in await session.scalars(select(Enrolment).order_by(Enrolment.id))]


#: Each table that keeps a copy and nothing else, with its service: of all but bookings, which no town comes with.
COPIES = sorted(
    {
        (service.name, handler.copy.__tablename__)
        for service in services()
        for kind, handler in service.handlers.items()
        if isinstance(handler, Keep) and not issubclass(kind, Booking)
    }
)


@pytest.mark.parametrize(("service", "table"), COPIES)
def test_each_copy_is_what_its_events_make_of_it(by_copy: Town, by_events: Town, service: str, table: str) -> None:
    expected = complete(by_events.rows(service, table))
    assert complete(by_copy.rows(service, table)) == expected
    assert expected


#: Of what planning owns, and of what it keeps of enrolments: all but when it was told of it.
OWNED = {
    "enrolments": "*",
    "reservations": "child_id, activity_id, day, status, dossier_id, site_id, band, version",
    "slots": "*",
    # What is locked and not changed has version 0, as what has no row.
    "planning_months WHERE version > 0": "*",
    "entries": "child_id, activity_id, month, version, dossier_id, account_id, role, name, reason, reserved, cancelled",
}


@pytest.mark.parametrize("table", OWNED)
def test_what_is_reserved_is_what_asking_for_it_gives(by_copy: Town, by_events: Town, table: str) -> None:
    expected = complete(by_events.rows("planning", table, OWNED[table]))
    assert complete(by_copy.rows("planning", table, OWNED[table])) == expected
    assert expected


def test_the_same_town_is_drawn_again_and_another_seed_draws_another(
    postgres: str, described: dict[str, Any], by_copy: Town
) -> None:
    def reserved(town: Town) -> Rows:
        return complete(town.rows("planning", "reservations"))

    assert reserved(made(postgres, described, by_copy=True)) == reserved(by_copy)
    other = described | {"generated_families": described["generated_families"] | {"seed": 1}}
    assert reserved(made(postgres, other, by_copy=True)) != reserved(by_copy)


def test_a_town_is_not_made_where_one_is(described: dict[str, Any], by_copy: Town) -> None:
    before = complete(by_copy.rows("planning", "reservations"))
    with ThreadPoolExecutor(1) as threads, pytest.raises(LauncherError, match="There is a town"):
        threads.submit(prepared, described, by_copy.owner_urls, by_copy=True).result()
    assert complete(by_copy.rows("planning", "reservations")) == before


def test_no_more_days_are_reserved_than_there_are_places(postgres: str, described: dict[str, Any]) -> None:
    def few(activity: dict[str, Any]) -> dict[str, Any]:
        return activity | {"bands": [band | {"places": 2} for band in activity.get("bands", ())]}

    town = made(postgres, described | {"activities": list(map(few, described["activities"]))}, by_copy=True)
    slots = complete(town.rows("planning", "slots"))
    assert max(taken for *_, taken in slots) == 2
    counted = [row for row in complete(town.rows("planning", "reservations")) if row[6] is not None]
    assert sum(taken for *_, taken in slots) == len(counted)


@pytest.mark.parametrize("day", [datetime(2027, 7, 20, 11, tzinfo=UTC), datetime(2028, 2, 29, 11, tzinfo=UTC)], ids=str)
def test_a_town_is_made_on_any_day(
    postgres: str, described: dict[str, Any], monkeypatch: pytest.MonkeyPatch, day: datetime
) -> None:
    monkeypatch.setattr(clock, "now", lambda: day)
    assert complete(made(postgres, described, by_copy=True).rows("planning", "reservations"))


def test_each_enrolment_shows_what_has_become_of_its_usual_week(described: dict[str, Any], by_copy: Town) -> None:
    by_hand = {named_id("dossier", family["number"]) for family in described["families"]}

    async def shown() -> tuple[set[tuple[UUID, UUID, date]], bool]:
        async with opened(by_copy) as databases, databases["enrolment"].sessions() as session:
            found = list(await session.scalars(select(Enrolment).where(Enrolment.dossier_id.not_in(by_hand))))
            days = {(e.child_id, e.activity_id, day) for e in found if e.applied for day in e.applied.reserved}
            return days, any(one.pending for one in found)

    rows = complete(by_copy.rows("planning", "reservations", "child_id, activity_id, day, dossier_id"))
    assert complete(shown()) == ({tuple(row[:3]) for row in rows if row[3] not in by_hand}, False)
