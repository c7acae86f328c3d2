"""Holding a booking of two lines, 16 clients, one API process, against the same statements run by pgbench."""

import asyncio
import itertools
import random
from collections.abc import Iterator

from deploy.local.stack import Stack
from tests.lab.bench import load, pgbench, scene, statements
from tests.lab.bench.rounds import Effort, Row, paired

CLIENTS, GOAL = 16, 0.40
#: The first half of the families is the service's, the others pgbench's.
OURS = scene.FAMILIES // 2


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    asyncio.run(scene.fill(running.owner_databases["enrolment"]))
    running.start(("identity", "api"), ("enrolment", "api"))
    asked = requests(scene.Families(running))
    script = statements.of_a_hold(running)
    result = paired(
        lambda: (
            load.load(running.services["enrolment"], asked, clients=CLIENTS, seconds=effort.seconds).expect(201).rate
        ),
        lambda: pgbench.rate(
            running.databases["enrolment"], script, running.run, clients=CLIENTS, seconds=effort.seconds
        ),
        effort.rounds,
    )
    yield Row(
        f"hold a booking (2 lines), {CLIENTS} clients, one api process",
        str(result),
        f"{GOAL:.2f}",
        result.ratio >= GOAL,
    )


def requests(families: scene.Families) -> Iterator[bytes]:
    """Holds that nobody has made yet, more than any number of rounds takes; each token is signed before its turn."""
    wishes = list(itertools.product(range(1, 2001), range(scene.WEEKS)))
    random.Random(1).shuffle(wishes)
    for family in range(1, 2001):
        families.token(family)
    return (families.hold(family, week) for family, week in wishes)
