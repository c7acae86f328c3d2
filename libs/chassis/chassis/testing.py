"""For tests: a service on a database of its own, really listening, and tokens for whoever should call it."""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg
import uvicorn
from contracts.caller import AUDIENCE, TOKEN_TYPE
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import clock, migrations
from chassis.app import create_app, stand_on
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.listening import configuration
from chassis.service import Service
from chassis.settings import ServiceSettings

ISSUER = "https://espace.test"


@dataclass(frozen=True)
class Databases:
    """URLs of one service's database: as the application and as the owner."""

    url: str
    owner_url: str


def _named(admin_url: str, *, user: str, password: str, database: str) -> str:
    parts = urlsplit(admin_url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}", path=f"/{database}"))


async def create_database(admin_url: str, service: str, template: Databases | None = None) -> Databases:
    """A database of that service under a fresh name: empty, or a copy of `template`. Roles are made where missing."""
    name = f"{service}_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(admin_url)
    try:
        for role in ("owner", "app"):
            await connection.execute(
                f"DO $$ BEGIN CREATE ROLE {service}_{role} LOGIN PASSWORD 'test';"
                " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
        source = f" TEMPLATE {urlsplit(template.url).path[1:]}" if template else ""
        await connection.execute(f"CREATE DATABASE {name} OWNER {service}_owner{source}")
    finally:
        await connection.close()
    return Databases(
        _named(admin_url, user=f"{service}_app", password="test", database=name),
        _named(admin_url, user=f"{service}_owner", password="test", database=name),
    )


async def drop_database(admin_url: str, databases: Databases) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"DROP DATABASE {urlsplit(databases.url).path[1:]} WITH (FORCE)")
    finally:
        await connection.close()


#: Changes with whatever a test may do to a schema: then its database is not used again.
_SCHEMA = """
    SELECT (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_proc),
           (SELECT count(*) FROM pg_trigger), (SELECT md5(string_agg(relname || relacl::text, ',' ORDER BY oid))
           FROM pg_class WHERE relnamespace = 'public'::regnamespace)
"""


class TestDatabase:
    """A service's database, given to one test after the other as it was at first: emptying is far cheaper than copying.

    What its tables hold at first, where they hold anything, is kept in a schema beside them.
    """

    __test__ = False  # pytest: not a class of tests

    def __init__(self, admin_url: str, databases: Databases) -> None:
        self.databases = databases
        self._url = urlunsplit(urlsplit(admin_url)._replace(path=urlsplit(databases.url).path))
        self._tables: list[str] = []
        self._filled: list[str] = []
        self._schema: Any = None

    async def remember(self) -> None:
        """Keep what is there now."""
        connection = await asyncpg.connect(self._url)
        try:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            self._tables = [name for (name,) in tables]
            self._filled = [name for name in self._tables if await connection.fetchval(f"SELECT EXISTS (TABLE {name})")]
            await connection.execute(
                "CREATE SCHEMA first;"
                + "".join(f"CREATE TABLE first.{name} AS TABLE public.{name};" for name in self._filled)
            )
            self._schema = await connection.fetchrow(_SCHEMA)
        finally:
            await connection.close()

    async def restore(self) -> bool:
        """Make it as it was at first; False where its schema was changed."""
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if await connection.fetchrow(_SCHEMA) != self._schema:
                return False
            # As a replica applies changes: no trigger, no foreign key, no order.
            await connection.execute(
                "SET session_replication_role = replica;"
                + "".join(f"DELETE FROM public.{name};" for name in self._tables)
                + "".join(f"INSERT INTO public.{name} TABLE first.{name};" for name in self._filled)
            )
            return True
        finally:
            await connection.close()


def migrate(service: str, databases: Databases) -> None:
    """Bring the database to the service's newest schema (from outside any event loop)."""
    migrations.upgrade(service, databases.owner_url)


class Signer:
    """Signs tokens as identity would, with its key where that is known; `keys` is what services verify them with."""

    def __init__(self, key: ECKey | None = None) -> None:
        self.key = key or ECKey.generate_key("P-256", {"kid": new_id().hex, "use": "sig", "alg": "ES256"})
        self.keys = KeySet.import_key_set({"keys": [self.key.as_dict(private=False)]})

    def token(self, role: str = "guardian", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A valid token of that role unless `header` or `claims` say otherwise (a claim of None is left out)."""
        now = int(clock.now().timestamp())
        body = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + int(timedelta(minutes=10).total_seconds()),
            "sub": str(new_id()),
            "role": role,
        } | claims
        asserted = {name: value for name, value in body.items() if value is not None}
        protected = {"alg": "ES256", "typ": TOKEN_TYPE, "kid": self.key.kid} | (header or {})
        return jwt.encode(protected, json.loads(json.dumps(asserted, default=str)), self.key)


#: Applications that no test is using, by their service: making one costs more than what most tests do with it.
_idle: dict[int, tuple[Service, FastAPI]] = {}


@asynccontextmanager
async def serving(
    service: Service, settings: ServiceSettings, signer: Signer, database: Database | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """The service's API, really listening on a free port, trusting `signer`; a client whose paths start there.

    Its connections are its own, or those of `database`, which it then leaves open.
    """
    own = database or Database(settings.database_url)
    _, app = _idle.pop(id(service), (service, None))
    app = app or create_app(service, settings, own)
    stand_on(app, settings, own)
    app.state.verifier.keys.set = signer.keys
    unsaid: set[str] = set()
    server = uvicorn.Server(
        configuration(
            _compared(app, unsaid),
            trusted_proxies=settings.trusted_proxies,
            port=0,
            lifespan="off",
            timeout_graceful_shutdown=2,
            timeout_keep_alive=60,  # as a service does: a busy machine takes no idle connection from a test
        )
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        await _stop(server)
        _idle[id(service)] = service, app
        if own is not database:
            await own.close()
    assert not unsaid, f"answered, and not in the OpenAPI document: {sorted(unsaid)}"  # noqa: S101 -- for tests


async def _stop(server: uvicorn.Server) -> None:
    """As uvicorn does, but for the tenth of a second that it waits where no request is running any more."""
    if server.server_state.tasks:
        return await server.shutdown()
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    async with asyncio.timeout(2):
        while server.server_state.connections:  # noqa: ASYNC110 -- uvicorn tells nobody when they are gone
            await asyncio.sleep(0)
    return None


def _compared(app: FastAPI, unsaid: set[str]) -> ASGIApp:
    """The application, whose refusals are looked up in its own OpenAPI document."""

    async def compared(scope: Scope, receive: Receive, send: Send) -> None:
        status, body = 0, b""

        async def seen(message: Message) -> None:
            nonlocal status, body
            status, body = message.get("status", status), body + message.get("body", b"")
            await send(message)

        await app(scope, receive, seen)
        if status < 400:
            return
        for path, operations in app.openapi()["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), scope["path"]):
                if operation := operations.get(scope["method"].lower()):
                    kind = json.loads(body)["type"]
                    if f'"{kind}"' not in json.dumps(operation["responses"].get(str(status))):
                        unsaid.add(f"{scope['method']} {path}: {status} {kind}")
                break

    return compared


@contextmanager
def shifted_clock(path: Any, seconds: float) -> Iterator[None]:
    """For one test: the clock moved by so many seconds through the file that CLOCK_FILE names."""
    before = path.read_text() if path.exists() else "0"
    path.write_text(str(seconds))
    try:
        yield
    finally:
        path.write_text(before)
