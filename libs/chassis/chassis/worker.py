"""The worker of a service: its consumer, its relay and its periodic jobs, until told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from chassis import clock, inbox, outbox
from chassis.database import Database
from chassis.inbox import Handlers
from chassis.stopping import Stop
from chassis.supervision import keep_going

#: How long a repeated event or request is known. Requests: the API's promise; events: far beyond any redelivery.
KEEP_REQUESTS = timedelta(hours=72)
KEEP_EVENTS = timedelta(days=30)


@dataclass(frozen=True)
class Job:
    """Something done again and again: `run(database, settings)` every `every_s` seconds, in each worker.

    It takes its work with FOR UPDATE SKIP LOCKED or conditional updates: several workers run it at the same time.
    """

    run: Callable[[Database, Any], Awaitable[None]]
    every_s: float


async def forget_old(database: Database, settings: object) -> None:
    """Delete what inbox and idempotency no longer need to know."""
    async with database.sessions.begin() as session:
        await session.execute(
            text("DELETE FROM inbox WHERE handled_at < :before"), {"before": clock.now() - KEEP_EVENTS}
        )
        await session.execute(
            text("DELETE FROM idempotency WHERE answered_at < :before"), {"before": clock.now() - KEEP_REQUESTS}
        )


async def repeat(job: Job, database: Database, settings: object, stop: Stop) -> None:
    await keep_going("job", lambda: job.run(database, settings), stop, job.every_s, job=job.run.__name__)


async def work(
    service: str,
    database: Database,
    amqp_url: str,
    handlers: Handlers,
    jobs: tuple[Job, ...],
    settings: object,
    stop: Stop,
) -> None:
    """Run all of it; returns once told to stop and everything under way is finished."""
    async with asyncio.TaskGroup() as tasks:
        if handlers:
            tasks.create_task(inbox.consume(service, database, amqp_url, handlers, stop))
        tasks.create_task(outbox.relay(service, database.url, amqp_url, stop))
        for job in (*jobs, Job(forget_old, every_s=3600)):
            tasks.create_task(repeat(job, database, settings, stop))
