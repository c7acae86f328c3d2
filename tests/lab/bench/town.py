"""A town of many families, loaded and then known to every service, against COPY of the rows that this wrote."""

import asyncio
import io
import time
from collections.abc import Iterator
from statistics import median

import asyncpg
from chassis import command, towns
from dossier.main import SERVICE

from deploy.local.prepare import of_families
from deploy.local.stack import SERVICES, TOWN, Stack
from tests.lab.bench.rounds import Effort, Row, undisturbed, until_there_are

GOAL_S = 10.0
DEADLINE_S = 120.0
#: Each service's copies, and the table of dossier's that has as many rows (a loaded family has one quotient).
COPIES = {
    "identity": {"dossiers": "dossiers"},
    "enrolment": {"dossiers": "dossiers", "children": "children"},
    "planning": {"children": "children"},
    "billing": {"dossiers": "dossiers", "children": "children", "quotient_histories": "quotients"},
}


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    running.start(*((service, "worker") for service in SERVICES))
    asyncio.run(_until_known(running))
    towns_ = (_town(effort.families, number) for number in range(1, 1_000))
    measured = [undisturbed(lambda: asyncio.run(_round(running, next(towns_)))) for _ in range(effort.rounds)]
    loaded_s, heard_s, copied_s = (median(one[side] for one in measured) for side in range(3))
    total_s = median(one[0] + one[1] for one in measured)
    ratio = median((one[0] + one[1]) / one[2] for one in measured)
    yield Row(
        f"a town of {effort.families:,} families loaded and heard",
        f"{total_s:.1f} s (loaded {loaded_s:.1f} s, heard {heard_s:.1f} s after); "
        f"{ratio:.0f} times COPY of the same rows, {copied_s:.2f} s",
        f"{GOAL_S:.0f} s",
        total_s <= GOAL_S,
    )


def _town(count: int, number: int) -> dict[str, object]:
    """The demo town, its families those of that round."""
    town = of_families(towns.read(TOWN) | {"families": []}, count)
    return town | {"accounts": [], "generated_families": town["generated_families"] | {"first_number": number * 10**8}}


async def _round(running: Stack, town: dict[str, object]) -> tuple[float, float, float]:
    """Seconds: loading, then until every service knows; COPY of what was written meanwhile."""
    before = await _transaction(running)
    began = time.monotonic()
    await command.load(SERVICE, running.owner_databases["dossier"], town)
    loaded = time.monotonic()
    await _until_known(running)
    heard = time.monotonic()
    copied_s = sum([await _copied(url, before) for url in running.owner_databases.values()])
    return loaded - began, heard - loaded, copied_s


async def _transaction(running: Stack) -> int:
    """The server's next transaction."""
    connection = await asyncpg.connect(running.owner_databases["dossier"])
    try:
        return int(await connection.fetchval("SELECT pg_current_xact_id()::text"))
    finally:
        await connection.close()


async def _until_known(running: Stack) -> None:
    """Return when every copy has as many rows as there are."""
    opened = {service: await asyncpg.connect(url) for service, url in running.databases.items()}
    try:
        for service, copies in COPIES.items():
            for copy, table in copies.items():
                wanted = await opened["dossier"].fetchval(f"SELECT count(*) FROM {table}")
                await until_there_are(opened[service], copy, wanted, DEADLINE_S)
    finally:
        for connection in opened.values():
            await connection.close()


async def _copied(url: str, before: int) -> float:
    """Seconds of COPY for every row written since that transaction, into empty tables with the same indexes."""
    elapsed_s = 0.0
    connection = await asyncpg.connect(url)
    try:
        for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            rows = io.BytesIO()
            query = f"SELECT * FROM {table} WHERE xmin::text::bigint >= {before}"
            if await connection.copy_from_query(query, output=rows, format="binary") == "COPY 0":
                continue
            await connection.execute(
                f"CREATE SCHEMA again; CREATE TABLE again.{table} (LIKE public.{table} INCLUDING ALL)"
            )
            rows.seek(0)
            began = time.monotonic()
            await connection.copy_to_table(table, schema_name="again", source=rows, format="binary")
            elapsed_s += time.monotonic() - began
            await connection.execute("DROP SCHEMA again CASCADE")
    finally:
        await connection.close()
    return elapsed_s
