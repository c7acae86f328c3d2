"""Validating twenty cells, 16 clients, one API process, against the same statements run by pgbench."""

import asyncio
import itertools
import json
import math
from collections.abc import Iterator, Mapping
from datetime import date
from uuid import uuid4

from planning.main import SERVICE

from deploy.local.stack import Stack
from tests.lab.bench import days, load, pgbench, scene, statements
from tests.lab.bench.rounds import Effort, Row, paired

CLIENTS, GOAL = 16, 0.40
#: More families than either side serves in a second.
OURS, THEIRS = 500, 2_500
PATH = "/v1/plannings/validate"


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    seconds = math.ceil(effort.seconds)
    rounds = effort.rounds * 2  # a disturbed one is repeated
    ours, theirs = OURS * seconds * rounds, THEIRS * seconds * rounds
    asyncio.run(days.fill(running.owner_databases["planning"], ours + theirs + 2))
    running.start(("identity", "api"), ("planning", "api"))
    families, wanted = scene.Families(running), days.days()
    asked = requests(families, ours, wanted)
    script = f"""\\set i :first + :n * :clients + :client_id
\\set n :n + 1
\\set family {ours} + :i
""" + _of_one(running, families, ours + theirs)
    firsts = itertools.count(0, THEIRS * seconds)
    result = paired(
        lambda: (
            load.load(running.services["planning"], asked, clients=CLIENTS, seconds=effort.seconds).expect(200).rate
        ),
        lambda: pgbench.rate(
            running.databases["planning"],
            script,
            running.run,
            clients=CLIENTS,
            seconds=effort.seconds,
            first=next(firsts),
        ),
        effort.rounds,
    )
    yield Row(
        f"validate 20 cells, {CLIENTS} clients, one api process", str(result), f"{GOAL:.2f}", result.ratio >= GOAL
    )


def headers(families: scene.Families, family: int, key: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {families.token(family)}", "If-Match": '"0"', "Idempotency-Key": key}


def requests(families: scene.Families, count: int, wanted: list[date]) -> Iterator[bytes]:
    """One of each family; what takes time to make is made before its turn."""
    body = json.dumps(days.changes(0, wanted))
    one, other = str(scene.named(scene.CHILD, 0)), str(scene.named(scene.CHILD, 1))
    for family in range(count):
        families.token(family)

    def of(family: int) -> bytes:
        own = [str(scene.named(scene.CHILD, 2 * family + n)) for n in range(2)]
        asked = body.replace(other, own[1]).replace(one, own[0]).encode()
        return load.request("POST", PATH, families.token(family), asked, If_Match='"0"', Idempotency_Key=uuid4().hex)

    return map(of, range(count))


def _of_one(running: Stack, families: scene.Families, first: int) -> str:
    """The statements of the second of two families."""
    wanted, family = days.days(), first + 1
    return statements.script(
        running,
        SERVICE,
        families.signer,
        [
            statements.Asked("POST", PATH, days.changes(one, wanted), headers(families, one, key), 200)
            for one, key in ((first, "first"), (family, statements.KEY))
        ],
        {
            scene.named(scene.DOSSIER, family): statements.named(scene.DOSSIER, ":family"),
            scene.named(scene.CHILD, 2 * family): statements.named(scene.CHILD, "2 * :family"),
            scene.named(scene.CHILD, 2 * family + 1): statements.named(scene.CHILD, "2 * :family + 1"),
            scene.named(scene.ACCOUNT, family): statements.named(scene.ACCOUNT, ":family"),
            days.site(family): statements.named(days.SITE, f":family % {days.SITES}"),
        }
        | {activity: f"'{activity}'::uuid" for activity in days.ACTIVITIES},
    )
