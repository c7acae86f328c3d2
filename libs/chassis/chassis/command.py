"""`python -m <service> api | worker | all | migrate | load FILE | replay`, and what is a service's own."""

import argparse
import asyncio
import gc
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from chassis import clock, dead_letters, logs, towns
from chassis.app import create_app
from chassis.database import Database
from chassis.listening import configuration
from chassis.service import Command, Service
from chassis.settings import ServiceSettings, read
from chassis.stopping import Stop
from chassis.trouble import said
from chassis.worker import work

#: A large town's families, in one statement.
LOAD_STATEMENT_S = 600


def parser(service: str, own: Iterable[Command] = ()) -> argparse.ArgumentParser:
    """The command line of that service, with commands of its own."""
    parser = argparse.ArgumentParser(prog=f"python -m {service}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("api", "answer requests"),
        ("worker", "handle events, relay the outbox, do the periodic jobs"),
        ("all", "both in one process, for small towns and laptops"),
        ("migrate", "bring the database's schema up to date, as its owner"),
        ("replay", "give back to the queue what was set aside (dead letters)"),
    ):
        commands.add_parser(name, help=text)
    commands.add_parser("load", help="take from a town's description what this service owns").add_argument("file")
    for command in own:
        command.arguments(commands.add_parser(command.name, help=command.help))
    return parser


def run(service: Service) -> None:
    """Do what the command line asks of this service."""
    asked = parser(service.name, service.commands).parse_args()
    own = {command.name: command for command in service.commands}
    settings = read(service.settings)
    try:
        clock.shift()
    except RuntimeError as error:
        raise SystemExit(str(error)) from None
    logs.configure(service.name)
    if asked.command == "migrate":
        from chassis import migrations  # what it imports, a process that answers would keep for nothing: 8 MB

        migrations.upgrade(service.name, _owner(settings))
    elif asked.command == "load":
        try:
            asyncio.run(load(service, _owner(settings), towns.read(Path(asked.file))))
        except towns.TownError as error:
            raise SystemExit(str(error)) from None
    elif asked.command == "replay":
        try:
            moved = asyncio.run(_replay(service.name, settings))
        except (Exception, asyncio.CancelledError) as error:
            raise SystemExit(f"Nothing is lost, but it was not finished; run it again: {said(error)}") from None
        print(f"Messages given back to the queue: {moved}.")
    elif asked.command in own:
        try:
            given = {name: value for name, value in vars(asked).items() if name != "command"}
            print(asyncio.run(_own(own[asked.command], settings, given)))
        except (Exception, asyncio.CancelledError) as error:
            raise SystemExit(f"It was not finished; run it again: {said(error)}") from None
    else:
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(serve(service, settings, asked.command))


async def _own(command: Command, settings: ServiceSettings, given: Mapping[str, Any]) -> str:
    database = Database(settings.database_url)
    try:
        return await command.run(database, settings, **given)
    finally:
        await database.close()


async def _replay(service: str, settings: ServiceSettings) -> int:
    database = Database(settings.database_url)
    try:
        moved, _ = await dead_letters.replay(service, settings.amqp_url, database)
        return moved
    finally:
        await database.close()


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop  # only the long-running commands need it

    return uvloop.new_event_loop()


def _owner(settings: ServiceSettings) -> str:
    if settings.owner_database_url is None:
        prefix = settings.model_config.get("env_prefix", "")
        raise SystemExit(f"Set in the environment: {prefix}OWNER_DATABASE_URL (only the owner migrates and loads).")
    return settings.owner_database_url


async def load(service: Service, owner_url: str, town: dict[str, Any]) -> None:
    """Store what `town` says of this service, in one transaction; its events leave with the next relay.

    Raises TownError, and stores nothing, where any service would have to refuse it.
    """
    if service.load is None:
        return
    taken = towns.validated(town)[service.name]
    database = Database(owner_url, statement_s=LOAD_STATEMENT_S)
    try:
        async with database.sessions.begin() as session:
            await service.load(session, taken)
    finally:
        await database.close()


async def serve(service: Service, settings: ServiceSettings, mode: str) -> None:
    """Answer requests (`api`), work (`worker`) or both (`all`) until SIGTERM or SIGINT; finish what is under way."""
    listening = _listen(settings.host, settings.port)
    database = Database(settings.database_url)
    app = create_app(service, settings, database, routes=mode != "worker")
    stop = Stop()
    server = _Server(
        configuration(
            app,
            trusted_proxies=settings.trusted_proxies,
            timeout_keep_alive=60,  # longer than the gateway keeps an idle connection
        ),
        stop,
    )
    stop.on_signals()
    gc.freeze()  # what was imported stays for good: nothing there to look through again
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve_until_stopped(listening))
            if mode != "api":
                jobs = (*service.jobs, dead_letters.watching(service.name, service.notice))
                tasks.create_task(
                    work(service.name, database, settings.amqp_url, service.handlers, jobs, settings, stop)
                )
    finally:
        await database.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SystemExit(f"Could not listen on {host}:{port}: {error.strerror}.") from None


class _Server(uvicorn.Server):
    """Uvicorn that leaves the signals to Stop, shared with the worker."""

    def __init__(self, config: uvicorn.Config, stop: Stop) -> None:
        super().__init__(config)
        self.stop = stop

    async def serve_until_stopped(self, listening: socket.socket) -> None:
        serving = asyncio.create_task(self._serve([listening]))
        stopping = asyncio.create_task(self.stop.wait())
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        self.should_exit = True
        self.stop.set()  # a server that ends by itself takes the worker with it
        await serving
