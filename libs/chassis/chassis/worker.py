"""The worker of a service: its consumer, its relay and its periodic jobs, until told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import clock, inbox, law, outbox
from chassis.database import Database
from chassis.inbox import Handlers
from chassis.stopping import Stop
from chassis.supervision import keep_going


@dataclass(frozen=True)
class Job:
    """Something done again and again: `run(database, settings)` every `every_s` seconds, in each worker.

    It takes its work with FOR UPDATE SKIP LOCKED or conditional updates: several workers run it at the same time.
    """

    run: Callable[[Database, Any], Awaitable[None]]
    every_s: float


def forgetting(
    metadata: MetaData, *also: Callable[[AsyncSession, datetime], Awaitable[None]]
) -> Callable[[Database, object], Awaitable[None]]:
    """What a job runs: `also`, then each table loses what it has kept for as long as it may (chassis.law)."""

    async def forget_what_is_over(database: Database, settings: object) -> None:
        async with database.sessions.begin() as session:
            now = clock.now()
            for one in also:
                await one(session, now)
            await law.forget(session, metadata, now)

    return forget_what_is_over


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
        for job in jobs:
            tasks.create_task(repeat(job, database, settings, stop))
