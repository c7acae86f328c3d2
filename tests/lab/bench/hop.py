"""What the gateway costs: the same read, of a family's booking, through it and directly."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from statistics import median

from deploy.local.stack import Stack
from tests.lab.bench import load, scene
from tests.lab.bench.rounds import Effort, Row, paired, undisturbed

CLIENTS, GOAL, MORE_MS = 32, 0.30, 1.0


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    asyncio.run(scene.fill(running.owner_databases["enrolment"]))
    running.start(("identity", "api"), ("enrolment", "api"), ("gateway", "all"))
    family, service = scene.Families(running), running.services["enrolment"]
    booked = load.load(service, iter([family.hold(0, 0)]), clients=1, seconds=10).expect(201)
    path = f"/v1/bookings/{json.loads(booked.last)['id']}"
    direct = load.request("GET", path, family.token(0))
    through = load.request("GET", f"/api/enrolment{path}", family.token(0))

    def answers(url: str, request: bytes, clients: int) -> load.Answers:
        return load.load(url, itertools.repeat(request), clients=clients, seconds=effort.seconds).expect(200)

    result = paired(
        lambda: answers(running.gateway, through, CLIENTS).rate,
        lambda: answers(service, direct, CLIENTS).rate,
        effort.rounds,
    )
    yield Row(f"gateway hop, {CLIENTS} clients", str(result), f"{GOAL:.2f}", result.ratio >= GOAL)
    more = median(
        undisturbed(
            lambda: (
                answers(running.gateway, through, 1).percentile_ms(0.5) - answers(service, direct, 1).percentile_ms(0.5)
            )
        )
        for _ in range(effort.rounds)
    )
    yield Row("gateway hop, one client, p50", f"{more:.2f} ms more", f"{MORE_MS:.0f} ms", more <= MORE_MS)
