"""Local copies: whatever the order in which versions arrive, the newest stays."""

import asyncio
from itertools import permutations

import pytest
from chassis.copies import keep_copy
from chassis.database import Database
from chassis.identifiers import new_id
from tests.toy.toy.main import Heard

DOSSIER = new_id()


async def keep(database: Database, version: int) -> bool:
    async with database.sessions.begin() as session:
        return await keep_copy(session, Heard, id=DOSSIER, dossier_id=new_id(), version=version)


async def kept(database: Database) -> int:
    async with database.sessions() as session:
        found = await session.get_one(Heard, DOSSIER)
        return found.version


@pytest.mark.parametrize("versions", list(permutations([1, 2, 3])), ids=str)
async def test_the_newest_version_stays_in_every_order(database: Database, versions: tuple[int, ...]) -> None:
    stored = [await keep(database, version) for version in versions]
    assert stored == [version == max(versions[: place + 1]) for place, version in enumerate(versions)]
    assert await kept(database) == 3


async def test_the_same_version_again_changes_nothing(database: Database) -> None:
    assert [await keep(database, 1) for _ in range(3)] == [True, False, False]


async def test_versions_that_arrive_at_once_leave_the_newest(database: Database) -> None:
    await asyncio.gather(*(keep(database, version) for version in range(1, 11)))
    assert await kept(database) == 10
