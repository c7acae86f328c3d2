"""A usual week of ten months, applied by planning: from its event to the commit of all its days."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median

import asyncpg
from chassis.database import Database
from chassis.inbox import handle
from chassis.outbox import envelope
from contracts.enrolment import Actor, EnrolmentChanged, UsualWeek
from planning.consumers import HANDLERS

from deploy.local.stack import Stack
from tests.lab.bench import days
from tests.lab.bench.rounds import Effort, Row, undisturbed
from tests.lab.bench.scene import ACCOUNT, CHILD, DOSSIER, named

GOAL_MS, A_ROUND = 100.0, 10


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    asyncio.run(days.fill(running.owner_databases["planning"], effort.rounds * A_ROUND * 2))
    families = iter(range(effort.rounds * A_ROUND * 2))
    measured = [undisturbed(lambda: asyncio.run(_round(running, families))) for _ in range(effort.rounds)]
    milliseconds, reserved = median(one for one, _ in measured), measured[-1][1]
    yield Row(
        f"a usual week of ten months ({reserved} days) applied",
        f"{milliseconds:.0f} ms",
        f"{GOAL_MS:.0f} ms",
        milliseconds <= GOAL_MS,
    )


async def _round(running: Stack, families: Iterator[int]) -> tuple[float, int]:
    """The median milliseconds of some families' children, and how many days the last one has now."""
    database, measured = Database(running.databases["planning"]), []
    try:
        for _, family in zip(range(A_ROUND), families, strict=False):
            event = _asked(family)
            body = envelope(event).model_dump_json().encode()
            began = time.perf_counter()
            await handle(database, body, HANDLERS)
            measured.append((time.perf_counter() - began) * 1000)
        return median(measured), await _reserved(running, event)
    finally:
        await database.close()


def _asked(family: int) -> EnrolmentChanged:
    now = datetime.now(UTC)
    first, last = now.date() + timedelta(days=1), now.date() + timedelta(days=days.LASTS)
    week = UsualWeek(
        number=1,
        valid_from=first,
        valid_to=last,
        days=("monday", "tuesday", "thursday", "friday"),
        asked_at=now,
        asked_by=Actor(account_id=named(ACCOUNT, family), role="guardian"),
    )
    return EnrolmentChanged(
        version=2,
        enrolment_id=named(days.ENROLMENT, 4 * family),
        child_id=named(CHILD, 2 * family),
        dossier_id=named(DOSSIER, family),
        activity_id=next(iter(days.ACTIVITIES)),
        site_id=days.site(family),
        school_year=days.YEAR,
        valid_from=first - timedelta(days=2),
        valid_to=last,
        status="active",
        usual_weeks=(week,),
    )


async def _reserved(running: Stack, event: EnrolmentChanged) -> int:
    connection = await asyncpg.connect(running.databases["planning"])
    try:
        query = "SELECT count(*) FROM reservations WHERE child_id = $1"
        return int(await connection.fetchval(query, event.child_id))
    finally:
        await connection.close()
