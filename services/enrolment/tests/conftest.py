from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from chassis.database import Database
from chassis.service import Service
from chassis.testing import Signer
from enrolment.main import SERVICE

from services.enrolment.tests.enrolment_scene import Town


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture
async def town(database: Database, client: aiohttp.ClientSession, signer: Signer) -> Town:
    return Town(database, client, signer)


@pytest.fixture
def hours_later(clock_file: Path) -> Callable[[float], None]:
    """Move the clock to so many hours from the real time."""

    def move(hours: float) -> None:
        clock_file.write_text(str(hours * 3600))

    return move
