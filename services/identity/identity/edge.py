"""What the endpoints take: transactions of their own, the settings, the client's address, the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Annotated

from chassis.database import Database
from chassis.listening import client_address
from fastapi import Depends, Request

from identity.settings import Settings
from identity.throttling import rules


@asynccontextmanager
async def taking(seconds: float) -> AsyncIterator[None]:
    """What takes so long whatever is done: a stranger learns nothing from the time."""
    started = perf_counter()
    yield
    await asyncio.sleep(started + seconds - perf_counter())


# Coroutines, all of them: what is none has a turn in a thread, which waits behind every password that is hashed.
async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _client(request: Request) -> str:
    return rules.source(client_address(request))


#: For what opens transactions of its own, where a refusal must leave a trace or none may wait for a password's hash.
OwnTransactions = Annotated[Database, Depends(_database)]
Configured = Annotated[Settings, Depends(_settings)]
Address = Annotated[str, Depends(_client)]
