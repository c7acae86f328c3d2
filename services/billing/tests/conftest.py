"""Billing on a database of its own, with PayFiP's stand-in beside it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from billing.main import SERVICE
from billing.settings import Settings
from chassis.database import Database
from chassis.service import Service
from chassis.testing import ISSUER, Databases, Signer, create_database, migrate, serving

from deploy.sandbox.testing import Sandbox, sandbox
from services.billing.tests.billing_scene import ORIGIN, PayFiP, Scene, furnish


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("payfip") / "clock") as running:
        yield running


@pytest.fixture(scope="session")
def templates(postgres: str, service: Service) -> dict[str, Databases]:
    """What each test's database is copied from: migrated and furnished."""
    template = asyncio.run(create_database(postgres, service.name))
    migrate(service.name, template)
    asyncio.run(furnish(template))
    return {service.name: template}


@pytest.fixture(scope="session")
def engines() -> dict[str, Database]:
    """Of each database the one access to it: what SQLAlchemy has once compiled is there for the next test."""
    return {}


@pytest.fixture
async def database(databases: Databases, engines: dict[str, Database]) -> AsyncIterator[Database]:
    opened = engines[databases.url] = engines.get(databases.url) or Database(databases.url)
    yield opened
    await opened.close()  # its connections: they belong to the test's event loop


@pytest.fixture
def settings(databases: Databases, stand_in: Sandbox) -> Settings:
    return Settings(
        database_url=databases.url,
        owner_database_url=databases.owner_url,
        amqp_url="amqp://127.0.0.1:9",  # nothing listens there: no broker is needed here
        port=0,
        jwks_url="http://127.0.0.1:9",
        token_issuer=ISSUER,
        payfip_wsdl_url=f"{stand_in.payfip}/tpa/services/securite?wsdl",
        payfip_page_url=f"{stand_in.payfip}/tpa/paiementws.web",
        notification_url=f"{ORIGIN}/api/billing/v1/payfip/notifications",  # each test notifies by itself
        return_origins=[ORIGIN],
    )


@pytest.fixture
async def payfip(stand_in: Sandbox) -> AsyncIterator[PayFiP]:
    async with aiohttp.ClientSession(stand_in.payfip) as http:
        yield PayFiP(http)
        await http.delete("/sandbox/faults")


@pytest.fixture
async def scene(settings: Settings, database: Database, signer: Signer, clock_file: Path) -> AsyncIterator[Scene]:
    async with serving(SERVICE, settings, signer, database) as client:
        yield Scene(database, settings, client, signer, clock_file)
