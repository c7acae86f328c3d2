"""For the chassis's tests: the toy service, its queues, its processes, and gates in its database."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.database import Database
from chassis.service import Service
from chassis.testing import Databases

from deploy.servers.rabbitmq import Broker
from libs.chassis.tests.processes import TOY, Processes
from libs.chassis.tests.queues import Queues, toy_queues
from libs.chassis.tests.tables import Gate, Rows
from libs.chassis.tests.toy.toy.main import SERVICE

sys.path.append(str(TOY))  # where migrations finds the package of that name


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture
async def queues(broker: Broker) -> AsyncIterator[Queues]:
    async with toy_queues(broker.url) as opened:
        yield opened


@pytest.fixture
async def processes(tmp_path: Path) -> AsyncIterator[Processes]:
    started = Processes(tmp_path)
    yield started
    await started.close()


@pytest.fixture
async def gate(databases: Databases) -> AsyncIterator[Gate]:
    made = Gate(databases)
    yield made
    await made.open()


@pytest.fixture
def rows(database: Database) -> Rows:
    return Rows(database)
