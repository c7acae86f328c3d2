"""Signing in against the password's bare hash on as many threads, and what who is signed in already feels of it."""

import asyncio
import itertools
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from chassis.identifiers import new_id
from identity import passwords

from deploy.local.stack import Stack
from tests.actors import PASSWORD
from tests.lab.bench import load, scene
from tests.lab.bench.rounds import Effort, Row, paired, undisturbed

CLIENTS, GOAL, GOAL_MS = 8, 0.75, 10.0
#: Who signs in, each with the demo town's password.
ACCOUNTS = 200


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    asyncio.run(scene.open_accounts(running, "bench", [new_id() for _ in range(ACCOUNTS)]))
    running.start(("identity", "api"))
    url = running.services["identity"]
    asked = (_sign_in(n % ACCOUNTS) for n in itertools.count())
    tokens = json.loads(load.load(url, itertools.islice(asked, 1), clients=1, seconds=1).expect(201).last)
    mine = itertools.repeat(load.request("GET", "/v1/messages", tokens["access_token"]))
    sign_in = partial(load.load, url, asked, clients=CLIENTS, seconds=effort.seconds)
    result = paired(lambda: sign_in().expect(201).rate, lambda: _hashes(effort.seconds), effort.rounds)
    yield Row(
        f"sign in, {CLIENTS} clients, one api process, against the bare hash",
        str(result),
        f"{GOAL:.2f}",
        result.ratio >= GOAL,
    )

    def meanwhile() -> float:
        with ThreadPoolExecutor(1) as signing_in:
            done = signing_in.submit(sign_in)
            answers = load.load(url, mine, clients=1, seconds=effort.seconds / 2)
            done.result().expect(201)
        return answers.expect(200).percentile_ms(0.5)

    alone_ms = (
        undisturbed(lambda: load.load(url, mine, clients=1, seconds=effort.seconds)).expect(200).percentile_ms(0.5)
    )
    meanwhile_ms = undisturbed(meanwhile)
    yield Row(
        f"own messages read while {CLIENTS} clients sign in, p50",
        f"{meanwhile_ms:.1f} ms ({alone_ms:.1f} ms while nobody does)",
        f"{GOAL_MS:.0f} ms",
        meanwhile_ms <= GOAL_MS,
    )


def _sign_in(account: int) -> bytes:
    """From an address of its own."""
    body = {"login": f"bench{account + 1}", "password": PASSWORD}
    address = f"10.0.{account // 250}.{account % 250}"
    return load.request("POST", "/v1/sessions", "", json.dumps(body).encode(), X_Forwarded_For=address)


def _hashes(seconds: float) -> float:
    """Passwords a second that match their hash, on each core."""
    known, until = asyncio.run(passwords.hashed(PASSWORD)), time.perf_counter() + seconds

    def match(_: int) -> int:
        done = 0
        while time.perf_counter() < until:
            done += asyncio.run(passwords.matches(PASSWORD, known))
        return done

    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as each:
        return sum(each.map(match, range(threads))) / seconds
