"""The desk's search in a large town: what an agent types of families drawn from it, begun, whole or misspelt."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from functools import partial
from statistics import median
from urllib.parse import quote

import asyncpg
from chassis import command, towns
from dossier.main import SERVICE

from deploy.local.stack import TOWN, Stack
from tests.lab.bench import load, scene
from tests.lab.bench.rounds import Effort, Row, undisturbed

GOAL_MS = 20.0
SOUNDS = ["ba", "mo", "le", "ro", "tin", "du", "val", "gui", "fer", "nan", "dez", "ou", "sy", "ka", "ben", "li", "per"]
#: So many different names a town of so many families has.
NAMES = 15_000


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    asyncio.run(command.load(SERVICE, running.owner_databases["dossier"], _town(effort.searched)))
    asked = asyncio.run(_asked(running))
    running.start(("identity", "api"), ("dossier", "api"))
    token = scene.Families(running).signer.token("agent", iss=running.gateway)
    kinds = {
        kind: itertools.cycle(load.request("GET", f"/v1/dossiers?limit=20&q={quote(q)}", token) for q in asks)
        for kind, asks in asked.items()
    }

    def p50_ms(requests: Iterator[bytes]) -> float:
        answers = load.load(running.services["dossier"], requests, clients=1, seconds=effort.seconds)
        return answers.expect(200).percentile_ms(0.5)

    measured = {
        kind: median(undisturbed(partial(p50_ms, requests)) for _ in range(effort.rounds))
        for kind, requests in kinds.items()
    }
    yield Row(
        f"search among {effort.searched:,} families, p50",
        ", ".join(f"{kind} {ms:.1f} ms" for kind, ms in measured.items()),
        f"{GOAL_MS:.0f} ms",
        max(measured.values()) <= GOAL_MS,
    )


def _town(count: int) -> dict[str, object]:
    """The demo town with as many last names as a large one has."""
    town = towns.read(TOWN) | {"families": [], "accounts": []}
    draw = random.Random(1)
    names = sorted({"".join(draw.choices(SOUNDS, k=draw.randint(2, 4))).title() for _ in range(NAMES)})
    return town | {"generated_families": town["generated_families"] | {"count": count, "last_names": names}}


async def _asked(running: Stack) -> dict[str, list[str]]:
    """What is typed, by kind, of a hundred families."""
    connection = await asyncpg.connect(running.databases["dossier"])
    try:
        rows = await connection.fetch(
            "SELECT number, street, first_name, last_name FROM dossiers JOIN adults ON dossier_id = dossiers.id"
            " ORDER BY md5(number) LIMIT 100"
        )
    finally:
        await connection.close()
    return {
        "number": [row["number"] for row in rows],
        "name": [f"{row['first_name']} {row['last_name']}" for row in rows],
        "begun": [row["last_name"][:4] for row in rows],
        "address": [f"{row['street']} {row['last_name']}" for row in rows],
        "misspelt": [
            f"{row['last_name'][0]}{row['last_name'][2]}{row['last_name'][1]}{row['last_name'][3:]}" for row in rows
        ],
    }
