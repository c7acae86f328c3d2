"""The demo town loaded and told of, once, whatever happens meanwhile."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.command import load
from chassis.database import Database
from chassis.identifiers import named_id
from chassis.service import Service
from chassis.testing import Databases
from contracts import Event
from contracts.dossier import ChildChanged, DossierChanged, QuotientChanged
from dossier import town
from dossier.dossiers import link_account
from dossier.families import Town
from dossier.town import birth_date
from sqlalchemy import text

from services.dossier.tests.villeneuve import (
    CLAIRE,
    MOREAU,
    THIS_YEAR,
    TOWN,
    WRITTEN,
    Ask,
    activated,
    hear,
    published,
)


@pytest.mark.parametrize("today", [date(2026, 11, 23), date(2028, 6, 8), date(2024, 2, 29), date(2027, 1, 1)])
@pytest.mark.parametrize("age", [3, 5, 11])
def test_a_child_has_its_age_on_the_day_of_loading(today: date, age: int) -> None:
    born = birth_date(age, today)
    assert today.year - born.year - ((today.month, today.day) < (born.month, born.day)) == age
    assert today - timedelta(days=100) - born < timedelta(days=366 * age + 1)


async def test_the_whole_town_is_loaded_and_told_once(
    service: Service, databases: Databases, database: Database
) -> None:
    await load(service, databases.owner_url, TOWN)
    events = await published(database)
    told = Counter(type(event) for event in events)
    children = {event.child_id for event in events if isinstance(event, ChildChanged)}
    assert told[DossierChanged] == 60
    assert told[ChildChanged] == len(children) > 60
    assert 45 < told[QuotientChanged] < 60
    await load(service, databases.owner_url, TOWN)
    assert len(await published(database)) == len(events)


async def test_two_loads_at_once_tell_once(service: Service, databases: Databases, database: Database) -> None:
    await asyncio.gather(*(load(service, databases.owner_url, WRITTEN) for _ in range(3)))
    assert Counter(type(event) for event in await published(database)) == {
        DossierChanged: 3,
        ChildChanged: 5,
        QuotientChanged: 3,
    }


async def test_a_second_load_adds_only_new_families(service: Service, loaded: Databases, database: Database) -> None:
    before = await published(database)
    new_family = WRITTEN["families"][2] | {"number": "200000"}
    await load(service, loaded.owner_url, WRITTEN | {"families": [*WRITTEN["families"], new_family]})
    added = (await published(database))[len(before) :]
    assert {event.number for event in added if isinstance(event, DossierChanged)} == {"200000"}
    assert len(added) == 4


@pytest.mark.usefixtures("loaded")
async def test_events_say_what_is_true(database: Database) -> None:
    by_type: dict[tuple[type[Event], UUID], Any] = {(type(e), e.subject): e for e in await published(database)}
    moreau = by_type[DossierChanged, MOREAU]
    assert (moreau.number, moreau.status, moreau.missing, moreau.address.city) == (
        "100042",
        "active",
        (),
        "Villeneuve-sur-Bièvre",
    )
    [claire] = moreau.adults
    assert (claire.adult_id, claire.roles, claire.email) == (
        CLAIRE,
        ("legal_guardian", "payer"),
        "claire.moreau@example.org",
    )
    tom = by_type[ChildChanged, named_id("child", "100042", "Tom")]
    assert (tom.dossier_ids, tom.resident) == ((MOREAU,), True)
    [school] = tom.schooling
    assert (school.school_year, school.school_id) == (THIS_YEAR, named_id("site", "les-tilleuls"))
    assert (school.level, school.class_name) == ("nursery", None)
    [quotient] = by_type[QuotientChanged, MOREAU].quotients
    assert (quotient.value, quotient.source, quotient.valid_to) == (980, "caf", date(clock.now().year + 1, 12, 31))


async def test_an_account_heard_of_before_its_adult_counts_when_the_adult_is_loaded(
    service: Service, databases: Databases, database: Database, ask: Ask
) -> None:
    await hear(database, activated("claire@example.org"))
    assert await published(database) == []
    await load(service, databases.owner_url, WRITTEN)
    assert (await ask("/dossiers/mine"))[1]["adults"][0]["email"] == "claire@example.org"
    told = [event for event in await published(database) if event.subject == MOREAU][-1]
    assert isinstance(told, DossierChanged)
    assert told.adults[0].email == "claire@example.org"


async def blocked(database: Database) -> None:
    """Return when some transaction of this database waits for another."""
    waits = text(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database"
        " WHERE NOT granted AND d.datname = current_database())"
    )
    async with asyncio.timeout(10), database.engine.connect() as connection:
        while True:
            if await connection.scalar(waits):
                return
            await asyncio.sleep(0.01)


async def last_told(database: Database) -> DossierChanged:
    told = [event for event in await published(database) if isinstance(event, DossierChanged)]
    return max((event for event in told if event.dossier_id == MOREAU), key=lambda event: event.version)


async def test_an_account_activated_while_the_town_is_loaded_waits_for_its_adult(
    databases: Databases, database: Database
) -> None:
    owner = Database(databases.owner_url)
    async with owner.sessions.begin() as session:
        await town.load(session, Town.model_validate(WRITTEN))
        hearing = asyncio.create_task(hear(database, activated("claire@example.org")))
        await blocked(database)
    await hearing
    await owner.close()
    assert (await last_told(database)).adults[0].email == "claire@example.org"


async def test_a_load_waits_for_an_account_being_activated(
    service: Service, databases: Databases, database: Database
) -> None:
    async with database.sessions.begin() as session:
        await link_account(session, activated("claire@example.org"))
        loading = asyncio.create_task(load(service, databases.owner_url, WRITTEN))
        await blocked(database)
    await loading
    assert (await last_told(database)).adults[0].email == "claire@example.org"
