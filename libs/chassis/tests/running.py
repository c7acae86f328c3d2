"""The parts of a worker running in the test's own process, and stopped with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from chassis import inbox, outbox
from chassis.database import Database
from chassis.inbox import Handlers
from chassis.stopping import Stop
from chassis.supervision import keep_going

from libs.chassis.tests.toy.toy.main import HANDLERS


@asynccontextmanager
async def _until_stopped(stop: Stop, *parts: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    running = [asyncio.create_task(part) for part in parts]
    try:
        yield
        assert not any(task.done() for task in running), "ended without being asked to"
    finally:
        stop.set()
        await asyncio.gather(*running)


@asynccontextmanager
async def relaying(
    database: Database, amqp_url: str, relays: int = 1, announcing: Database | None = None
) -> AsyncIterator[None]:
    """That many relays on one outbox, and what wakes them."""
    stop = Stop()
    awaking = asyncio.create_task(keep_going("announcements", (announcing or database).announce, stop))
    try:
        async with _until_stopped(stop, *(outbox.relay("toy", database.url, amqp_url, stop) for _ in range(relays))):
            yield
    finally:
        assert not awaking.done(), "announces no more"
        awaking.cancel()


@asynccontextmanager
async def consuming(database: Database, amqp_url: str, handlers: Handlers = HANDLERS) -> AsyncIterator[None]:
    stop = Stop()
    async with _until_stopped(stop, inbox.consume("toy", database, amqp_url, handlers, stop)):
        yield
