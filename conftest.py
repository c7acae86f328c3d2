"""What every test stands on: real PostgreSQL and RabbitMQ, a database of its own, tokens, a clock file, a browser.

A service's own conftest says which `service` it tests, and adds to `settings` what is its own.
"""

import json
from asyncio import Runner
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import structlog
from chassis.broker import definitions
from chassis.database import Database
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing import (
    ISSUER,
    Databases,
    Signer,
    TestDatabase,
    create_database,
    drop_database,
    migrate,
    serving,
)
from playwright.async_api import Browser as Chromium

from deploy.servers.postgres import postgres as private_postgres
from deploy.servers.rabbitmq import Broker, rabbitmq
from tests.screens import Screens, browser

# The default rendering of a traceback shows every local variable and takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a superuser of a PostgreSQL of the tests' own, or of the one named by ESPACE_POSTGRES_URL."""
    with private_postgres(tmp_path_factory.mktemp("postgres"), durable=False) as url:
        yield url


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A RabbitMQ of the tests' own with the exchange and no queue, or the one named by ESPACE_AMQP_URL."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    topology = folder / "definitions.json"
    topology.write_text(json.dumps(definitions({})))
    with rabbitmq(folder, topology) as ready:
        yield ready


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()


@pytest.fixture(autouse=True)
def clock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that moves the clock of this test's process; absent until a test writes seconds into it."""
    path = tmp_path / "clock"
    monkeypatch.setenv("CLOCK_FILE", str(path))
    monkeypatch.setenv("ENVIRONMENT", "test")
    return path


@pytest.fixture(scope="session")
def templates() -> dict[str, Databases]:
    """Each service's migrated database, made when first needed and copied for each test."""
    return {}


@pytest.fixture(scope="session")
def spare() -> dict[Databases, TestDatabase]:
    """Of each template (a folder of tests may have its own) the copy that the last test left as it found it."""
    return {}


@pytest.fixture
async def databases(
    postgres: str, service: Service, templates: dict[str, Databases], spare: dict[Databases, TestDatabase]
) -> AsyncIterator[Databases]:
    """A migrated database of `service`, as the template has it, for this test alone."""
    if service.name not in templates:
        migrated = await create_database(postgres, service.name)
        with ThreadPoolExecutor(1) as threads:
            threads.submit(migrate, service.name, migrated).result()
        templates[service.name] = migrated
    template = templates[service.name]
    if template not in spare:
        made = TestDatabase(postgres, await create_database(postgres, service.name, template))
        await made.remember()
    else:
        made = spare.pop(template)
    yield made.databases
    if await made.restore():
        spare[template] = made
    else:
        await drop_database(postgres, made.databases)


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    """That database, as the application's role sees it."""
    opened = Database(databases.url)
    yield opened
    await opened.close()


@pytest.fixture
def settings(service: Service, databases: Databases) -> ServiceSettings:
    # Nothing listens there: a test of a service alone needs neither broker nor identity.
    return service.settings(
        database_url=databases.url,
        owner_database_url=databases.owner_url,
        amqp_url="amqp://127.0.0.1:9",
        port=0,
        jwks_url="http://127.0.0.1:9",
        token_issuer=ISSUER,
    )


@pytest.fixture
async def client(service: Service, settings: ServiceSettings, signer: Signer) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the service's API, which really listens and trusts `signer`."""
    async with serving(service, settings, signer) as opened:
        yield opened


@pytest.fixture(name="_function_scoped_runner")
def runner(request: pytest.FixtureRequest, _function_scoped_runner: Runner) -> Runner:
    """What runs a test and its fixtures (pytest-asyncio's): an event loop of its own, but where Chromium is looked at.

    Those tests share the loop on which it is spoken to; starting one each would be most of what they cost.
    """
    if "screens" not in request.fixturenames:
        return _function_scoped_runner
    shared: Runner = request.getfixturevalue("_session_scoped_runner")
    return shared


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Callable[[], Awaitable[Chromium]]]:
    async with browser() as running:
        yield running


@pytest.fixture
async def screens(chromium: Callable[[], Awaitable[Chromium]]) -> AsyncIterator[Screens]:
    """Opens windows of Chromium, which are closed with the test."""
    opened = Screens(await chromium())
    yield opened
    await opened.close()
