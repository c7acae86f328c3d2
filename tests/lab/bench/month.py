"""A family's month through the gateway, in a town and in one ten times as large."""

import asyncio
import itertools
from collections.abc import Iterator
from statistics import median

import asyncpg
from chassis.identifiers import new_id
from planning.main import SERVICE

from deploy.local.stack import Stack, beside
from tests.lab.bench import load, scene, statements
from tests.lab.bench.rounds import Effort, Row, undisturbed

GOAL_MS, APART, QUERIES = 8.0, 0.10, 4

#: Families of two children with most days reserved, in the month that has most of all.
_FAMILIES = """
    WITH month AS (SELECT month FROM entries GROUP BY month ORDER BY count(*) DESC, month LIMIT 1)
    SELECT dossier_id, to_char(month, 'YYYY-MM') AS month FROM entries JOIN month USING (month)
    WHERE dossier_id IN (SELECT dossier_ids[1] FROM children GROUP BY 1 HAVING count(*) = 2)
    GROUP BY dossier_id, month ORDER BY sum(cardinality(reserved)) DESC, dossier_id LIMIT 500
"""


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    sizes = (effort.families, 10 * effort.families)
    with (
        beside(running, running.run.path / "small", sizes[0]) as small,
        beside(running, running.run.path / "large", sizes[1]) as large,
    ):
        asked = {town.gateway: itertools.cycle(asyncio.run(_requests(town))) for town in (small, large)}
        queries = asyncio.run(_queries(large))
        for town in (small, large):
            town.start(("identity", "api"), ("planning", "api"), ("gateway", "all"))

        def p50_ms(town: Stack) -> float:
            answers = load.load(town.gateway, asked[town.gateway], clients=1, seconds=effort.seconds)
            return answers.expect(200).percentile_ms(0.5)

        measured = [undisturbed(lambda: (p50_ms(small), p50_ms(large))) for _ in range(effort.rounds)]
    one, other = (median(sides) for sides in zip(*measured, strict=True))
    ratio = median(theirs / ours for ours, theirs in measured)
    yield Row(
        "month of two children through the gateway, p50",
        f"{other:.1f} ms at {sizes[1]:,} families, {one:.1f} ms at {sizes[0]:,} ({ratio:.2f} times it); "
        f"{queries} queries",
        f"{GOAL_MS:.0f} ms, within {APART:.0%}, {QUERIES} queries",
        max(one, other) <= GOAL_MS and ratio <= 1 + APART and queries <= QUERIES,
    )


async def _paths(town: Stack) -> list[tuple[str, str]]:
    """Path and token of each family's month."""
    connection = await asyncpg.connect(town.databases["planning"])
    try:
        found = await connection.fetch(_FAMILIES)
    finally:
        await connection.close()
    signer = scene.Families(town).signer
    return [
        (
            f"/v1/plannings?month={row['month']}",
            signer.token(iss=town.gateway, sub=new_id(), dossier_id=row["dossier_id"], guardian_id=new_id()),
        )
        for row in found
    ]


async def _requests(town: Stack) -> list[bytes]:
    return [load.request("GET", f"/api/planning{path}", token) for path, token in await _paths(town)]


async def _queries(town: Stack) -> int:
    """How many a month takes, the second on its connection."""
    asked = [
        statements.Asked("GET", path, None, {"Authorization": f"Bearer {token}"}, 200)
        for path, token in itertools.islice(itertools.cycle(await _paths(town)), 2)
    ]
    recorded = await statements.recorded(town, SERVICE, scene.Families(town).signer, asked)
    return sum(sql.strip("; ").split()[0] not in ("BEGIN", "COMMIT") for sql, _ in recorded)
