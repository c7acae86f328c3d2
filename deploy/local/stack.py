"""One whole stack: the services, the gateway and the pages on private servers, and stand-ins for PayFiP and mail."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import asyncpg
from chassis.local import Addresses

from deploy.servers import postgres, processes, rabbitmq, watcher
from deploy.servers.processes import ROOT, Process, RunFolder
from deploy.servers.waiting import answers, complete

SERVICES = ("identity", "dossier", "enrolment", "planning", "billing")
#: What is reached from outside, in the order in which they are stopped.
DOORS = ("web", "gateway")
TOWN = ROOT / "deploy" / "towns" / "villeneuve-sur-bievre.toml"
DEFINITIONS = ROOT / "deploy" / "rabbitmq" / "definitions.json"
PREPARE_S = 60.0
#: Of a town of many families, each.
FAMILY_S = 0.02
READY_S = 60.0
#: Where everything listens, and what browsers call it: they keep passkeys for a name alone, and have this one to spare.
HOST, NAME = "127.0.0.1", "localhost"

Part = Literal["all", "api", "worker"]


@dataclass(kw_only=True)
class Stack(Addresses):
    """What runs and where; `databases` are the application roles', `admin_url` is PostgreSQL's superuser's."""

    amqp: str
    admin_url: str
    databases: dict[str, str]
    owner_databases: dict[str, str]
    clock_file: Path
    broker: rabbitmq.Broker
    run: RunFolder
    town: Path

    @cached_property
    def own_settings(self) -> dict[str, dict[str, str]]:
        """What each part's `local.py` says, where it has one; said once, since one of them makes a key."""
        parts = [part for part in (*DOORS, *SERVICES) if find_spec(f"{part}.local")]
        return {part: import_module(f"{part}.local").settings(self) for part in parts}

    def environment(self, part: str) -> dict[str, str]:
        """The whole environment in which a process of that service, of the `gateway` or of `web` runs."""
        port = {"gateway": self.gateway, "web": self.web, **self.services}[part].rpartition(":")[2]
        own = {"HOST": HOST, "PORT": port} | self.own_settings.get(part, {})
        if part == "web":
            own |= {"TOWN": str(self.town)}
        if part in self.services:
            own |= {
                "DATABASE_URL": self.databases[part],
                "OWNER_DATABASE_URL": self.owner_databases[part],
                "AMQP_URL": self.amqp,
                "JWKS_URL": f"{self.services['identity']}/v1/.well-known/jwks.json",
                "TOKEN_ISSUER": self.gateway,
                "TRUSTED_PROXIES": HOST,  # the gateway calls from the address where everything here listens
            }
        whole = {"ENVIRONMENT": "local", "CLOCK_FILE": str(self.clock_file)}
        return _python_environment() | whole | {f"{part.upper()}_{name}": value for name, value in own.items()}

    def process(self, service: str, part: Part = "all") -> Process:
        """The process of that service that answers (`api`), works (`worker`) or does both, the gateway's or the pages'.

        Started or not.
        """
        name = service if part == "all" else f"{service}-{part}"
        if name not in self.run.processes:
            environment = self.environment(service)
            if part == "worker":  # it tells its health on a port of its own
                environment[f"{service.upper()}_PORT"] = str(self.run.port())
            arguments = [part] if service in self.services else []
            self.run.process(name, [sys.executable, "-m", service, *arguments], environment)
        return self.run.processes[name]

    def start(self, *wanted: tuple[str, Part]) -> None:
        """Start these parts of services, and of `DOORS` all, at once; returns when each is ready."""
        for service, part in wanted:
            self.process(service, part).start()
        for service, part in wanted:
            process = self.process(service, part)
            path = "/readyz" if service in self.services else "/healthz"
            url = f"http://{HOST}:{process.env[f'{service.upper()}_PORT']}{path}"
            self.run.wait_until(partial(answers, url), process, READY_S)

    def stop(self) -> None:
        """Stop what was started: first pages and gateway, so that nothing new comes in, then the services."""
        known = self.run.processes
        for door in DOORS:
            processes.stop([process for name, process in known.items() if name == door])
        processes.stop([process for name, process in known.items() if name.partition("-")[0] in SERVICES])

    def memory(self) -> dict[str, float]:
        """Megabytes (PSS) of each part, summed over its processes."""
        return {name: sum(map(_pss_mb, process.family())) for name, process in self.run.processes.items()}


def _pss_mb(one: watcher.Member) -> float:
    try:
        lines = Path(f"/proc/{one.pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) / 1024


def _python_environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # What hashing a password frees goes back to the system at once: 40 MB less in identity.
    return inherited | {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1000000"}


@contextmanager
def stack(
    folder: Path,
    *,
    services: bool = True,
    mode: Literal["all", "apart"] = "all",
    definitions: Path = DEFINITIONS,
    town: Path = TOWN,
    families: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Stack]:
    """A stack on fresh data, ready, described in `folder`/stack.json; stopped on leaving.

    `apart` runs API and worker of each service as two processes; `families` is how many, if not as the file says: then
    they are enrolled, with days reserved, and the services know all of it from the first moment (`deploy.local.town`).
    Without `services` the databases are there, migrated and loaded, but neither services nor gateway run: `start()`
    starts what is wanted. `tell` hears what is done.
    """
    with RunFolder(folder) as run:
        description = run.file("stack.json")
        broker = rabbitmq.start(run, definitions)
        mail, payfip, smtp = _start_sandbox(run)
        admin_url = postgres.start(run)
        tell("PostgreSQL")
        with postgres.databases(admin_url, SERVICES) as made:
            running = Stack(
                gateway=_address(run),
                web=_address(run, NAME),
                mail=mail,
                payfip=payfip,
                smtp=smtp,
                amqp=broker.url,
                admin_url=admin_url,
                databases={service: database.url for service, database in made.items()},
                owner_databases={service: database.owner_url for service, database in made.items()},
                services={service: _address(run) for service in SERVICES},
                files=run.path / "files",
                clock_file=run.file("clock"),
                broker=broker,
                run=run,
                town=town,
            )
            _prepare(running, town, families)
            told = complete(_told(running, json.loads(definitions.read_text())))
            tell("town loaded")
            broker.wait_ready()
            tell("RabbitMQ")
            for url in (mail, payfip):
                run.wait_until(partial(answers, f"{url}/healthz"), run.processes["sandbox"], READY_S)
            try:
                if services:
                    parts: tuple[Part, ...] = ("all",) if mode == "all" else ("api", "worker")
                    doors: list[tuple[str, Part]] = [(door, "all") for door in DOORS]
                    running.start(*doors, *((service, part) for service in SERVICES for part in parts))
                    tell("services ready")
                    last = running.process("billing", "all" if mode == "all" else "worker")
                    run.wait_until(lambda: complete(_have_heard(running, told)), last, READY_S)
                    tell("town heard")
                _describe(running, description)
                yield running
            finally:
                running.stop()


@contextmanager
def beside(running: Stack, folder: Path, families: int) -> Iterator[Stack]:
    """Another town, of so many families, on the servers of that stack; nothing of it runs until it is started."""
    with RunFolder(folder) as run, postgres.databases(running.admin_url, SERVICES, f"_of_{families}") as made:
        other = replace(
            running,
            gateway=_address(run),
            databases={service: database.url for service, database in made.items()},
            owner_databases={service: database.owner_url for service, database in made.items()},
            services={service: _address(run) for service in SERVICES},
            files=run.path / "files",
            run=run,
        )
        _prepare(other, TOWN, families)
        try:
            yield other
        finally:
            other.stop()


def _address(run: RunFolder, host: str = HOST) -> str:
    return f"http://{host}:{run.port()}"


def _start_sandbox(run: RunFolder) -> tuple[str, str, str]:
    """Start the stand-ins; their addresses: mail to read, PayFiP, SMTP."""
    mail, payfip, smtp = run.port(), run.port(), run.port()
    options = {"--host": HOST, "--payfip-port": payfip, "--mail-port": mail, "--smtp-port": smtp}
    arguments = [str(word) for option in options.items() for word in option]
    environment = _python_environment() | {"ENVIRONMENT": "local", "CLOCK_FILE": str(run.path / "clock")}
    run.process("sandbox", [sys.executable, "-m", "deploy.sandbox", *arguments], environment).start()
    return f"http://{HOST}:{mail}", f"http://{HOST}:{payfip}", f"smtp://{HOST}:{smtp}"


def _prepare(running: Stack, town: Path, families: int | None) -> None:
    """Migrate and load every database."""
    environment = {name: value for service in SERVICES for name, value in running.environment(service).items()}
    arguments = [sys.executable, "-m", "deploy.local.prepare", str(town)]
    if families is not None:
        arguments.append(str(families))
    preparation = running.run.process("prepare", arguments, environment)
    preparation.start()
    running.run.finish([preparation], PREPARE_S + (families or 0) * FAMILY_S)


async def _told(running: Stack, topology: dict[str, Any]) -> dict[str, int]:
    """How many of the events that loading has stored each service will hear."""
    stored: Counter[str] = Counter()
    for url in running.databases.values():
        connection = await asyncpg.connect(url)
        stored.update(dict(await connection.fetch("SELECT type, count(*) FROM outbox GROUP BY type")))
        await connection.close()
    told: Counter[str] = Counter()
    for binding in topology["bindings"]:
        told[binding["destination"].removesuffix(".events")] += stored[binding["routing_key"]]
    return told


async def _have_heard(running: Stack, told: dict[str, int]) -> bool:
    """Whether each service has handled as many events: families can be found, weeks seen, prices told."""
    for service, count in told.items():
        connection = await asyncpg.connect(running.databases[service])
        heard = await connection.fetchval("SELECT count(*) FROM inbox")
        await connection.close()
        if heard < count:
            return False
    return True


async def population(running: Stack) -> dict[str, int]:
    """How large the town is: families, children, enrolments, reserved days."""
    connection = await asyncpg.connect(running.databases["planning"])
    try:
        return dict(
            await connection.fetchrow(
                "SELECT (SELECT count(*) FROM dossiers) AS families, (SELECT count(*) FROM children) AS children,"
                " (SELECT count(*) FROM enrolments) AS enrolments,"
                " (SELECT count(*) FROM reservations WHERE status = 'reserved') AS \"reserved days\""
            )
        )
    finally:
        await connection.close()


def _describe(running: Stack, description: Path) -> None:
    """Write stack.json: whole from the first moment, and for this user's eyes only, since it holds passwords."""
    fields = ("gateway", "web", "mail", "payfip", "amqp", "databases", "services")
    content = {name: getattr(running, name) for name in fields} | {"clock_file": str(running.clock_file)}
    draft = running.run.file("stack.json.new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.replace(description)
