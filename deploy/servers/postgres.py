"""PostgreSQL of one stack: a private server, or the one named in the environment, and the services' databases in it."""

import hashlib
import os
import secrets
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from deploy.servers.packages import postgres_programs
from deploy.servers.processes import RunFolder, unprivileged
from deploy.servers.waiting import complete

#: Small, for many on one machine.
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 64MB
max_wal_size = 256MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""


@dataclass(frozen=True)
class Database:
    """One service's database: URLs of its owner, who migrates, and of the application role."""

    name: str
    owner_url: str
    url: str


@contextmanager
def postgres(folder: Path, *, durable: bool = True) -> Iterator[str]:
    """URL of a superuser on a fresh server that runs until leaving; or ESPACE_POSTGRES_URL where that is given.

    Tests that make a database each, and never kill the server, do without `durable`.
    """
    with RunFolder(folder) as run:
        yield start(run, durable=durable)


def start(run: RunFolder, *, durable: bool = True) -> str:
    """The same within a run folder, which stops the server."""
    if given := os.environ.get("ESPACE_POSTGRES_URL"):
        return given
    programs, user, port, password = postgres_programs(), unprivileged("postgres"), run.port(), secrets.token_hex(16)
    data = run.data("postgres", user)
    secret = data / "password"
    secret.write_text(password)
    if user:
        shutil.chown(secret, user)
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    cluster = data / "cluster"
    initdb: list[str | Path] = [programs / "initdb", "--pgdata", cluster, "--username=postgres", "--pwfile", secret]
    initdb += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    creation = run.process("postgres-initdb", initdb, environment, user=user, cwd=data)
    creation.start()
    run.finish([creation], 60)
    with (cluster / "postgresql.conf").open("a") as configuration:
        configuration.write(CONFIGURATION + f"port = {port}\nfsync = {'on' if durable else 'off'}\n")
    server = run.process(
        "postgres",
        [programs / "postgres", "-D", cluster],
        environment,
        user=user,
        cwd=data,
        stop_signal=signal.SIGINT,  # waits for no client
        last_signal=signal.SIGQUIT,  # at once, but gives its shared memory back
    )
    server.start()
    url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    run.wait_until(lambda: complete(_accepts(url)), server, 30)
    return url


async def _accepts(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=2)
    except (OSError, asyncpg.CannotConnectNowError):
        return False
    await connection.close()
    return True


@contextmanager
def databases(admin_url: str, services: Sequence[str], suffix: str = "") -> Iterator[dict[str, Database]]:
    """A fresh database for each service, with the roles SERVICE_owner and SERVICE_app; dropped on leaving.

    On a server named in the environment, which may hold several stacks, their names get one more suffix. Roles belong
    to the whole server: passwords follow from the superuser's, so that every stack there comes to the same ones.
    """
    shared = "ESPACE_POSTGRES_URL" in os.environ
    suffix += f"_{secrets.token_hex(4)}" if shared else ""
    made = {service: _database(admin_url, service, service + suffix) for service in services}
    complete(_create(admin_url, made))
    try:
        yield made
    finally:
        if shared:  # a private server goes with all that it holds
            complete(_drop(admin_url, made))


def _password(admin_url: str, role: str) -> str:
    return hashlib.sha256(f"{role} {admin_url}".encode()).hexdigest()


def _database(admin_url: str, service: str, name: str) -> Database:
    server = urlsplit(admin_url)
    owner, application = (
        f"postgresql://{role}:{_password(admin_url, role)}@{server.hostname}:{server.port or 5432}/{name}"
        for role in (f"{service}_owner", f"{service}_app")
    )
    return Database(name, owner, application)


async def _create(admin_url: str, made: dict[str, Database]) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        for service, database in made.items():
            owner, application = f"{service}_owner", f"{service}_app"
            for role in (owner, application):
                if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await connection.execute(f"CREATE ROLE {role}")
                await connection.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{_password(admin_url, role)}'")
            await connection.execute(f"CREATE DATABASE {database.name} OWNER {owner}")
            await connection.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC")
            await connection.execute(f"GRANT CONNECT ON DATABASE {database.name} TO {application}")
            as_owner = await asyncpg.connect(database.owner_url)
            try:
                await as_owner.execute(f"ALTER SCHEMA public OWNER TO {owner}")
                await as_owner.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
                await as_owner.execute(f"GRANT USAGE ON SCHEMA public TO {application}")
            finally:
                await as_owner.close()
    finally:
        await connection.close()


async def _drop(admin_url: str, made: dict[str, Database]) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        for database in made.values():
            await connection.execute(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")
    finally:
        await connection.close()
