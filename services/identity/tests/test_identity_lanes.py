"""Guesses at one login from many addresses at once, from one address at many logins, in any number of processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from time import monotonic
from typing import Any

import aiohttp
import pytest
from chassis.testing import Signer, serving
from identity import passwords
from identity.main import SERVICE
from identity.throttling import guesses, lanes
from identity.worker import forget_what_is_over

from services.identity.tests.portal import Portal

FAMILY, RIGHT = "198.51.100.20", "Bienvenue!2026"


def elsewhere(number: int) -> str:
    """An address in a network of its own."""
    return f"10.{number // 250}.{number % 250}.7"


@dataclass
class Hashing:
    """What is hashed: when each began, how many were under way at most, how many are done."""

    began: list[float] = field(default_factory=list)
    under_way: int = 0
    at_most: int = 0
    done: int = 0


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Hashing:
    seen, real = Hashing(), passwords.matches

    async def matches(password: str, password_hash: str | None) -> bool:
        seen.began.append(monotonic())
        seen.under_way += 1
        seen.at_most = max(seen.at_most, seen.under_way)
        try:
            return await real(password, password_hash)
        finally:
            seen.under_way -= 1
            seen.done += 1

    monkeypatch.setattr(passwords, "matches", matches)
    return seen


async def until(portal: Portal, query: str, wanted: object) -> None:
    deadline = monotonic() + 10
    while (found := await portal.scalars(query)) != [wanted]:
        assert monotonic() < deadline, found
        await asyncio.sleep(0.01)


async def many_were_wrong(portal: Portal, login: str = "martin") -> None:
    """Strangers have guessed at that login for some time."""
    for number in range(2):
        await portal.sign_in(login, "wrong", elsewhere(900 + number))
    await portal.execute("UPDATE lanes SET wrong = 100")


@asynccontextmanager
async def queueing(portal: Portal, *addresses: str, login: str = "martin") -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Wrong guesses that wait one behind the other; they are answered before this ends."""
    await portal.execute("UPDATE lanes SET busy_until = now() + interval '1 hour'")
    tasks = []
    for number, address in enumerate(addresses, 1):
        tasks.append(asyncio.create_task(portal.sign_in(login, "wrong", address)))
        await until(portal, "SELECT count(*) FROM tickets", number)
    yield tasks
    await portal.execute("UPDATE lanes SET busy_until = now(), next_at = now(), wrong = 0")
    await asyncio.gather(*tasks)


async def test_strangers_are_answered_one_at_a_time(portal: Portal, hashing: Hashing) -> None:
    guesses = [portal.sign_in("martin", "wrong", elsewhere(number)) for number in range(8)]
    assert {status for status, _ in await asyncio.gather(*guesses)} == {401}
    assert (hashing.done, hashing.at_most) == (8, 1)


async def test_known_addresses_need_not_wait_for_each_other(portal: Portal, hashing: Hashing) -> None:
    """The control of the test above: what serialises is the lane, not the machine."""
    for number in range(8):
        await portal.sign_in("martin", RIGHT, elsewhere(number))
    guesses = [portal.sign_in("martin", "wrong", elsewhere(number)) for number in range(8)]
    assert {status for status, _ in await asyncio.gather(*guesses)} == {401}
    assert hashing.at_most > 1


async def test_in_two_processes_strangers_are_still_answered_one_at_a_time(
    portal: Portal, hashing: Hashing, signer: Signer
) -> None:
    async with serving(SERVICE, portal.settings, signer) as other:

        async def there(number: int) -> int:
            body = {"login": "martin", "password": "wrong"}
            async with other.post("/v1/sessions", json=body, headers={"X-Forwarded-For": elsewhere(number)}) as answer:
                return answer.status

        here = [portal.sign_in("martin", "wrong", elsewhere(number)) for number in range(4)]
        answers = await asyncio.gather(*here, *(there(number) for number in range(4, 8)))
    assert [answer if isinstance(answer, int) else answer[0] for answer in answers] == [401] * 8
    assert (hashing.done, hashing.at_most) == (8, 1)


async def test_once_they_are_many_strangers_are_kept_apart(portal: Portal, hashing: Hashing) -> None:
    portal.settings.longest_spacing_s = 0.4
    await many_were_wrong(portal)
    await portal.sign_in("martin", "wrong", elsewhere(1))
    hashing.began.clear()
    guesses = [portal.sign_in("martin", "wrong", elsewhere(number)) for number in range(2, 6)]
    assert {status for status, _ in await asyncio.gather(*guesses)} == {401}
    between = [later - earlier for earlier, later in zip(hashing.began, hashing.began[1:], strict=False)]
    assert len(between) == 3
    assert min(between) >= 0.39


async def test_known_addresses_notice_nothing(portal: Portal) -> None:
    assert (await portal.sign_in("martin", RIGHT, FAMILY))[0] == 201
    async with queueing(portal, *map(elsewhere, range(3))) as strangers:
        assert (await portal.sign_in("martin", "wrong", FAMILY))[0] == 401
        assert (await portal.sign_in("Sophie.Martin@example.org", RIGHT, FAMILY))[0] == 201
        assert not any(task.done() for task in strangers)


async def test_who_has_guessed_least_goes_first(portal: Portal, hashing: Hashing) -> None:
    """Strangers who go on and on hold up themselves: the family at a new address is next."""
    attackers = [elsewhere(number) for number in range(3)]
    for address in attackers:
        assert (await portal.sign_in("martin", "wrong", address))[0] == 401
    # Another address of the same network is no newcomer.
    async with queueing(portal, *attackers, "10.0.1.8") as strangers:
        family = asyncio.create_task(portal.sign_in("martin", RIGHT, FAMILY))
        await until(portal, "SELECT count(*) FROM tickets", 5)
        await portal.execute("UPDATE lanes SET busy_until = now()")
        done, _ = await asyncio.wait((family, *strangers), return_when=asyncio.FIRST_COMPLETED)
        assert family in done
        assert family.result()[0] == 201


async def test_the_queue_is_bounded_and_says_when_to_come_back(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "LONGEST_QUEUE", 3)
    await portal.sign_in("martin", "wrong", elsewhere(99))
    async with queueing(portal, *map(elsewhere, range(3))):
        body = {"login": "martin", "password": RIGHT}
        async with portal.client.post(
            "/v1/sessions",
            json=body,
            headers={"X-Forwarded-For": "10.0.0.200"},  # of the first one's network
        ) as answer:
            problem = await answer.json(content_type=None)
            assert (answer.status, problem["type"]) == (429, "urn:problem:identity:too-many-tries")
            assert 0 < int(answer.headers["Retry-After"]) <= 5
    # It was not heard, so it was no try.
    assert await portal.scalars("SELECT max(tried) FROM tries") == [1]


async def test_a_newcomer_takes_the_place_of_who_has_guessed_before(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "LONGEST_QUEUE", 3)
    for number in range(3):
        await portal.sign_in("martin", "wrong", elsewhere(number))
    async with queueing(portal, *map(elsewhere, range(3))) as strangers:
        family = asyncio.create_task(portal.sign_in("martin", RIGHT, FAMILY))
        done, _ = await asyncio.wait((family, *strangers), return_when=asyncio.FIRST_COMPLETED)
        assert [task.result()[0] for task in done] == [429]
        assert family not in done
    assert (await family)[0] == 201


async def test_nobody_waits_longer_than_a_gateway_would(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    await many_were_wrong(portal)
    await portal.execute("UPDATE lanes SET next_at = now() + interval '21 seconds'")
    assert (await portal.sign_in("martin", RIGHT, FAMILY))[0] == 429
    await portal.execute("UPDATE lanes SET next_at = now()")
    assert (await portal.sign_in("martin", RIGHT, FAMILY))[0] == 201
    assert lanes.LONGEST_WAIT.total_seconds() + lanes.LEASE.total_seconds() < 60


async def test_nobody_keeps_a_connection_while_they_wait(portal: Portal) -> None:
    await portal.sign_in("martin", "wrong", elsewhere(99))
    async with queueing(portal, *map(elsewhere, range(12))):
        idle = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        await until(portal, idle, 0)
        assert (await portal.sign_in("diallo", RIGHT, FAMILY))[0] == 201


async def test_who_dies_in_its_turn_holds_up_the_others_for_seconds_only(portal: Portal) -> None:
    await portal.sign_in("martin", "wrong", elsewhere(99))
    await portal.execute("UPDATE lanes SET busy_until = now() + interval '10 seconds'")
    family = asyncio.create_task(portal.sign_in("martin", RIGHT, FAMILY))
    await until(portal, "SELECT count(*) FROM tickets", 1)
    portal.later(seconds=10)
    assert (await family)[0] == 201


async def test_who_dies_while_it_waits_is_passed_over(portal: Portal) -> None:
    await portal.sign_in("martin", "wrong", elsewhere(99))
    first = "00000000-0000-7000-8000-000000000000"
    await portal.execute(f"INSERT INTO tickets SELECT '{first}', key, 'x', 0, now() + interval '1 minute' FROM lanes")
    family = asyncio.create_task(portal.sign_in("martin", RIGHT, FAMILY))
    await until(portal, "SELECT count(*) FROM tickets", 2)
    await portal.execute(f"UPDATE tickets SET seen_at = now() - interval '5 seconds' WHERE id = '{first}'")
    assert (await family)[0] == 201
    await forget_what_is_over(portal.database, portal.settings)
    assert await portal.scalars("SELECT count(*) FROM tickets") == [0]


async def test_unknown_and_known_logins_are_answered_alike(portal: Portal) -> None:
    portal.settings.longest_spacing_s = 0.1
    seen = {}
    for login in ("martin", "nobody"):
        await many_were_wrong(portal, login)
        answers, moments = [], [monotonic()]
        for number in range(13):
            answers.append(await portal.sign_in(login, "wrong", elsewhere(number // 11)))
            moments.append(monotonic())
        usual_s = median(later - before for before, later in pairwise(moments))
        await portal.execute("UPDATE lanes SET next_at = now() + interval '21 seconds'")
        answers.append(await portal.sign_in(login, "wrong", elsewhere(100)))
        seen[login] = [(status, problem["type"]) for status, problem in answers], usual_s
    assert seen["martin"][0] == seen["nobody"][0]
    assert {status for status, _ in seen["martin"][0]} == {401, 429}
    assert seen["martin"][1] == pytest.approx(seen["nobody"][1], rel=0.3)


@pytest.mark.parametrize(
    "spellings", [("martin", " MARTIN ", "Martin", "ｍartin"), ("A@example.org", " a@EXAMPLE.org")]
)
async def test_however_a_login_is_spelt_its_tries_are_counted_together(
    portal: Portal, spellings: tuple[str, ...]
) -> None:
    for number in range(10):
        assert (await portal.sign_in(spellings[number % len(spellings)], "wrong", FAMILY))[0] == 401
    assert (await portal.sign_in(spellings[0], RIGHT, FAMILY))[0] == 429


async def test_a_flood_from_one_address_delays_nobody_elsewhere(portal: Portal, hashing: Hashing) -> None:
    flood = [asyncio.create_task(portal.sign_in(f"nobody{number}", "wrong", elsewhere(1))) for number in range(100)]
    deadline = monotonic() + 10
    while hashing.under_way < guesses.HASHED_AT_ONCE:
        assert monotonic() < deadline
        await asyncio.sleep(0.001)
    before = hashing.done
    assert (await portal.sign_in("martin", RIGHT, FAMILY))[0] == 201
    assert hashing.done - before < 15
    statuses = [status for status, _ in await asyncio.gather(*flood)]
    assert set(statuses) == {401, 429}
    assert hashing.at_most <= guesses.HASHED_AT_ONCE + 1


async def test_tries_that_are_under_way_are_counted_before_they_are_heard(
    portal: Portal, hashing: Hashing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in many processes at once, whose rooms know nothing of each other: only PostgreSQL does."""
    monkeypatch.setattr(guesses, "HASHED_AT_ONCE", 100)
    await portal.sign_in("martin", RIGHT, FAMILY)  # no stranger: nothing but the counts holds these back
    before = hashing.done
    answers = await asyncio.gather(*(portal.sign_in("martin", f"wrong{n}", FAMILY) for n in range(40)))
    assert sorted(status for status, _ in answers) == [401] * 10 + [429] * 30
    assert hashing.done - before == 10


async def test_right_sign_ins_at_once_from_a_known_address_are_all_served(portal: Portal) -> None:
    await portal.sign_in("martin", RIGHT, FAMILY)
    answers = await asyncio.gather(*(portal.sign_in("martin", RIGHT, FAMILY) for _ in range(20)))
    assert {status for status, _ in answers} == {201}


async def token(client: aiohttp.ClientSession, secret: str, address: str) -> int:
    asked = {"grant_type": "client_credentials", "client_id": "meal-kitchen", "client_secret": secret}
    async with client.post("/v1/oauth/token", data=asked, headers={"X-Forwarded-For": address}) as answer:
        return answer.status


async def test_a_burst_at_a_client_is_slowed_as_at_an_account(portal: Portal, hashing: Hashing) -> None:
    burst = await asyncio.gather(*(token(portal.client, "wrong", elsewhere(1)) for _ in range(30)))
    assert sorted(burst) == [401] * 10 + [429] * 20
    assert (hashing.done, hashing.at_most) == (10, 1)
    assert await token(portal.client, "Cuisine!2026", FAMILY) == 200
    burst = await asyncio.gather(*(token(portal.client, "Cuisine!2026", FAMILY) for _ in range(20)))
    assert set(burst) == {200}
