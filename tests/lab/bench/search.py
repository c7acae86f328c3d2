"""Dossiers in a large town: the desk's search, by what an agent types begun, whole or misspelt; and a family's own."""

import asyncio
import itertools
import json
import random
from collections.abc import Iterator, Mapping
from functools import partial
from statistics import median
from urllib.parse import quote
from uuid import UUID

import asyncpg
from chassis import command, towns
from chassis.identifiers import new_id
from chassis.testing import Signer
from dossier.main import SERVICE

from deploy.local.stack import TOWN, Stack
from tests.lab.bench import load, scene
from tests.lab.bench.rounds import Effort, Row, undisturbed

GOAL_MS, GOAL_ONE_MS = 20.0, 10.0
SOUNDS = ["ba", "mo", "le", "ro", "tin", "du", "val", "gui", "fer", "nan", "dez", "ou", "sy", "ka", "ben", "li", "per"]
#: So many different names a town of so many families has.
NAMES = 15_000


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    asyncio.run(command.load(SERVICE, running.owner_databases["dossier"], _town(effort.searched)))
    asked = asyncio.run(_asked(running))
    running.start(("identity", "api"), ("dossier", "api"))
    signer = scene.Families(running).signer
    token = signer.token("agent", iss=running.gateway)
    kinds = {
        kind: itertools.cycle(load.request("GET", f"/v1/dossiers?limit=20&q={quote(q)}", token) for q in asks)
        for kind, asks in asked.items()
    }

    def p50_ms(requests: Iterator[bytes]) -> float:
        answers = load.load(running.services["dossier"], requests, clients=1, seconds=effort.seconds)
        return answers.expect(200).percentile_ms(0.5)

    def row(what: str, asked: Mapping[str, Iterator[bytes]], goal_ms: float) -> Row:
        measured = {
            kind: median(undisturbed(partial(p50_ms, requests)) for _ in range(effort.rounds))
            for kind, requests in asked.items()
        }
        return Row(
            f"{what} among {effort.searched:,} families, p50",
            ", ".join(f"{kind} {ms:.1f} ms" for kind, ms in measured.items()),
            f"{goal_ms:.0f} ms",
            max(measured.values()) <= goal_ms,
        )

    yield row("search", kinds, GOAL_MS)
    yield row("one dossier", asyncio.run(_own(running, signer)), GOAL_ONE_MS)


async def _own(running: Stack, signer: Signer) -> dict[str, Iterator[bytes]]:
    """What guardians ask of their own dossiers, each after the other: to read it, and to change a telephone number."""
    connection = await asyncpg.connect(running.databases["dossier"])
    try:
        rows = await connection.fetch(
            "SELECT dossiers.id, version, adults.id AS guardian_id FROM dossiers"
            " JOIN adults ON dossier_id = dossiers.id"
            " WHERE 'legal_guardian' = ANY(roles) ORDER BY md5(number) LIMIT 500"
        )
    finally:
        await connection.close()
    families = {row["id"]: row for row in rows}
    tokens = {
        one: signer.token(iss=running.gateway, sub=new_id(), dossier_id=one, guardian_id=row["guardian_id"])
        for one, row in families.items()
    }

    def write(family: UUID, turn: int) -> bytes:
        row = families[family]
        body = {"adults": [{"id": str(row["guardian_id"]), "phone": f"06{turn:08}"}], "contacts": []}
        path, seen = f"/v1/dossiers/{family}/contacts", f'"{row["version"] + turn}"'
        return load.request("PATCH", path, tokens[family], json.dumps(body).encode(), If_Match=seen)

    return {
        "read": itertools.cycle(load.request("GET", "/v1/dossiers/mine", token) for token in tokens.values()),
        "written": (write(family, turn) for turn in itertools.count() for family in families),
    }


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
