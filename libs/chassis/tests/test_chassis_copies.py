"""Local copies: whatever the order in which versions arrive, the newest stays."""

import asyncio
from itertools import permutations

import pytest
from chassis.copies import keep, keep_copy
from chassis.database import Database
from chassis.identifiers import new_id
from contracts.dossier import QuotientChanged

from libs.chassis.tests.toy.toy.main import Heard

DOSSIER = new_id()


async def store(database: Database, version: int) -> bool:
    async with database.sessions.begin() as session:
        return await keep_copy(session, Heard, id=DOSSIER, dossier_id=new_id(), version=version)


async def kept(database: Database) -> int:
    async with database.sessions() as session:
        found = await session.get_one(Heard, DOSSIER)
        return found.version


@pytest.mark.parametrize("versions", list(permutations([1, 2, 3])), ids=str)
async def test_the_newest_version_stays_in_every_order(database: Database, versions: tuple[int, ...]) -> None:
    stored = [await store(database, version) for version in versions]
    assert stored == [version == max(versions[: place + 1]) for place, version in enumerate(versions)]
    assert await kept(database) == 3


async def test_the_same_version_again_changes_nothing(database: Database) -> None:
    assert [await store(database, 1) for _ in range(3)] == [True, False, False]


async def test_versions_that_arrive_at_once_leave_the_newest(database: Database) -> None:
    await asyncio.gather(*(store(database, version) for version in range(1, 11)))
    assert await kept(database) == 10


async def test_a_declared_copy_has_the_subject_as_its_key_and_the_fields_of_its_columns(database: Database) -> None:
    dossier_id = new_id()
    for version in (2, 1):
        async with database.sessions.begin() as session:
            await keep(Heard)(session, QuotientChanged(version=version, dossier_id=dossier_id, quotients=()))
    async with database.sessions() as session:
        found = await session.get_one(Heard, dossier_id)
        assert (found.dossier_id, found.version) == (dossier_id, 2)


async def test_of_many_events_at_once_each_copy_is_the_newest_of_its_own(database: Database) -> None:
    dossiers = [new_id() for _ in range(3)]
    events = [
        QuotientChanged(version=version, dossier_id=dossier_id, quotients=())
        for versions in ((2, 1, 3), (1, 3, 2), (3, 2, 1))
        for dossier_id, version in zip(dossiers, versions, strict=True)
    ]
    async with database.sessions.begin() as session:
        await keep(Heard).handler(session, events)
    async with database.sessions() as session:
        assert [(await session.get_one(Heard, dossier_id)).version for dossier_id in dossiers] == [3, 3, 3]


async def test_what_no_field_of_the_event_says_is_made_of_it(database: Database) -> None:
    event, other = QuotientChanged(version=1, dossier_id=new_id(), quotients=()), new_id()
    async with database.sessions.begin() as session:
        await keep(Heard, dossier_id=lambda event: other if event.version == 1 else None)(session, event)
    async with database.sessions() as session:
        assert (await session.get_one(Heard, event.dossier_id)).dossier_id == other
