"""Holding a booking of two lines, 16 clients, one API process, against the same statements run by pgbench."""

import asyncio
import itertools
import random
from collections.abc import Iterator

from enrolment.main import SERVICE

from deploy.local.stack import Stack
from tests.lab.bench import load, pgbench, scene, statements
from tests.lab.bench.rounds import Effort, Row, paired

CLIENTS, GOAL = 16, 0.40
#: The first half of the families is the service's, the others pgbench's.
OURS = scene.FAMILIES // 2
#: The statements are those of this one.
FAMILY, WEEK = scene.FAMILIES - 1, scene.WEEKS - 1
#: Each transaction takes the next number and, by it, a family and a week that nobody has taken. `clients`, `first` and
#: `n` are given by pgbench.rate().
NEXT = f"""\\set i :first + :n * :clients + :client_id
\\set n :n + 1
\\set family {OURS} + :i % {OURS - 1}
\\set week (:i + :i / {OURS - 1}) % {scene.WEEKS}
"""


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    asyncio.run(scene.fill(running.owner_databases["enrolment"]))
    running.start(("identity", "api"), ("enrolment", "api"))
    families = scene.Families(running)
    asked, script = requests(families), NEXT + statements_of_one(running, families)
    firsts = itertools.count(0, 50_000)  # far apart, so that no run meets the numbers of another
    result = paired(
        lambda: (
            load.load(running.services["enrolment"], asked, clients=CLIENTS, seconds=effort.seconds).expect(201).rate
        ),
        lambda: pgbench.rate(
            running.databases["enrolment"],
            script,
            running.run,
            clients=CLIENTS,
            seconds=effort.seconds,
            first=next(firsts),
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


def statements_of_one(running: Stack, families: scene.Families) -> str:
    return statements.script(
        running,
        SERVICE,
        families.signer,
        [
            statements.Asked(
                "POST",
                "/v1/bookings",
                families.lines(FAMILY, week),
                {"Authorization": f"Bearer {families.token(FAMILY)}", "Idempotency-Key": key},
                201,
            )
            for week, key in ((0, "first"), (WEEK, statements.KEY))
        ],
        {
            scene.named(scene.DOSSIER, FAMILY): statements.named(scene.DOSSIER, ":family"),
            scene.named(scene.CHILD, 2 * FAMILY): statements.named(scene.CHILD, "2 * :family"),
            scene.named(scene.CHILD, 2 * FAMILY + 1): statements.named(scene.CHILD, "2 * :family + 1"),
            scene.named(scene.WEEK, WEEK): statements.named(scene.WEEK, ":week"),
            scene.named(scene.ACCOUNT, FAMILY): statements.named(scene.ACCOUNT, ":family"),
        },
    )
