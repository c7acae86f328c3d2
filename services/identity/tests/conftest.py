"""Identity with the demo town loaded, and a mailbox that takes real SMTP."""

import asyncio
import tomllib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiosmtpd.smtp import SMTP
from chassis.command import load
from chassis.database import Database
from chassis.service import Service
from chassis.testing import ISSUER, Databases, Signer, create_database, migrate
from identity import signing
from identity.main import SERVICE
from identity.settings import Settings

from services.identity.tests.portal import Mailbox, Portal, moreau

SECRET = urlsafe_b64encode(bytes(32)).decode()


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box, enable_SMTPUTF8=True), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    yield box
    server.close()
    await server.wait_closed()


@pytest.fixture
def settings(databases: Databases, signer: Signer, mailbox: Mailbox) -> Settings:
    return Settings(
        database_url=databases.url,
        owner_database_url=databases.owner_url,
        amqp_url="amqp://127.0.0.1:9",
        port=0,
        jwks_url="http://127.0.0.1:9",
        token_issuer=ISSUER,
        trusted_proxies="127.0.0.1",
        secret=SECRET,
        smtp_url=f"smtp://127.0.0.1:{mailbox.port}",
        web_url="https://familles.example.org",
        mail_from="Espace Familles <espace@familles.example.org>",
        desk_email="guichet@example.org",
    )


@pytest.fixture(scope="session")
def town() -> dict[str, Any]:
    folder = Path(__file__).parents[3] / "deploy" / "towns"
    return tomllib.loads((folder / "villeneuve-sur-bievre.toml").read_text("utf-8"))


@pytest.fixture(scope="session")
def templates(postgres: str, town: dict[str, Any], signer: Signer) -> dict[str, Databases]:
    """The migrated database that each test's is a copy of: here with the town already loaded, and `signer`'s key."""

    async def prepare() -> Databases:
        made = await create_database(postgres, SERVICE.name)
        await asyncio.to_thread(migrate, SERVICE.name, made)
        await load(SERVICE, made.owner_url, town)
        database = Database(made.url)
        async with database.sessions.begin() as session:
            await signing.add(session, urlsafe_b64decode(SECRET), signer.key, datetime(2020, 1, 1, tzinfo=UTC))
        await database.close()
        return made

    with ThreadPoolExecutor(1) as threads:  # outside the tests' own event loop
        return {SERVICE.name: threads.submit(lambda: asyncio.run(prepare())).result()}


@pytest.fixture
async def portal(
    client: aiohttp.ClientSession, database: Database, settings: Settings, mailbox: Mailbox, clock_file: Path
) -> Portal:
    opened = Portal(client, database, settings, mailbox, clock_file)
    await opened.hear(moreau())
    return opened
