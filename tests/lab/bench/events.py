"""From the outbox to the committed effect in one worker, against bare aio-pika.

The worker is billing's, relay and consumer in one process; what it is given to relay, it alone hears.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date

import asyncpg
from chassis import outbox
from chassis.identifiers import new_id
from contracts.dossier import Quotient, QuotientChanged

from deploy.local.stack import Stack
from deploy.servers.processes import ROOT
from tests.lab.bench.rounds import Effort, Row, paired, until_there_are

GOAL = 1_500
DEADLINE_S = 120.0


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    running.start(("billing", "worker"))
    result = paired(
        lambda: asyncio.run(_ours(running, effort.events)), lambda: _bare(running, effort.events), effort.rounds
    )
    met = result.ratio >= 1 and result.ours >= GOAL
    yield Row("outbox to committed effect, one worker", str(result), f"1.00 and {GOAL:,}/s", met)


def rows(count: int) -> list[tuple[str, bytes]]:
    """Events of as many families: type and body, as the outbox has them."""
    quotients = (Quotient(value=720, source="caf", valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31)),)
    events = (QuotientChanged(version=1, dossier_id=new_id(), quotients=quotients) for _ in range(count))
    return [(event.type, outbox.envelope(event).model_dump_json().encode()) for event in events]


async def _ours(running: Stack, count: int) -> float:
    """Events a second, from the commit of the outbox rows to that of the last effect."""
    connection = await asyncpg.connect(running.owner_databases["billing"])
    try:
        wanted = count + await connection.fetchval("SELECT count(*) FROM quotient_histories")
        records = [(new_id(), 0, kind, body) for kind, body in rows(count)]
        await connection.copy_records_to_table("outbox", columns=("id", "attempts", "type", "body"), records=records)
        began = time.monotonic()
        await connection.execute("NOTIFY outbox")
        await until_there_are(connection, "quotient_histories", wanted, DEADLINE_S)
        return count / (time.monotonic() - began)
    finally:
        await connection.close()


def _bare(running: Stack, count: int) -> float:
    arguments = [running.amqp, running.owner_databases["billing"], str(count)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.bench.bare", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout)
