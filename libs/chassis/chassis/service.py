"""What a service is made of, said once in its `main.py`."""

from argparse import ArgumentParser
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from contracts.notices import NoticeWritten
from fastapi import APIRouter
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.export import AlsoHeld
from chassis.inbox import Handlers
from chassis.settings import ServiceSettings
from chassis.worker import Job


@dataclass(frozen=True)
class Command:
    """`python -m <service> <name>`: `run(database, settings)` does it and answers what to say of it.

    What ends in the middle can be run again. What `arguments` adds to the command line, `run` is given by its name.
    """

    name: str
    help: str
    run: Callable[..., Awaitable[str]]
    arguments: Callable[[ArgumentParser], object] = lambda _: None


@dataclass(frozen=True)
class Service:
    """`load(session, slice)` stores what a town's description says of the service; running it again adds nothing.

    `notice` is its own kind of message to the desk. `also_held(session, settings, reach)` is what of the caller is
    exported beside what the tables hold in the clear.
    """

    name: str
    settings: type[ServiceSettings]
    metadata: MetaData
    routers: tuple[APIRouter, ...] = ()
    handlers: Handlers = field(default_factory=dict)
    jobs: tuple[Job, ...] = ()
    load: Callable[[AsyncSession, Any], Awaitable[None]] | None = None
    notice: type[NoticeWritten] = field(kw_only=True)
    also_held: AlsoHeld | None = field(default=None, kw_only=True)
    commands: tuple[Command, ...] = field(default=(), kw_only=True)
