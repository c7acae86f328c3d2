"""The service these tests are of, and a town in it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from chassis.database import Database
from chassis.service import Service
from chassis.testing import Databases, Signer
from french.paris import PARIS
from planning.main import SERVICE

from services.planning.tests.town import CATALOGUE, Desk


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture
async def desk(
    databases: Databases, database: Database, client: aiohttp.ClientSession, signer: Signer, clock_file: Path
) -> AsyncIterator[Desk]:
    """On Wednesday 25 November 2026 at 10 in Paris, in a town that is loaded and has heard of its catalogue."""

    def now_is(moment: datetime) -> None:
        clock_file.write_text(str((moment - datetime.now(UTC)).total_seconds()))

    now_is(datetime(2026, 11, 25, 10, tzinfo=PARIS))
    owner = Database(databases.owner_url)
    desk = Desk(database, owner, client, signer, now_is)
    await desk.load()
    await desk.hear(*CATALOGUE)
    yield desk
    await owner.close()
