"""Families all reach the gateway from the pages' address, which tells each browser's: nobody pays for another's."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from deploy.local.stack import Stack
from tests.actors import PASSWORD, Clock, Family
from tests.browsers import Browser

#: What one hour's 3,000 make of the ten minutes over which tries are counted.
FAMILIES = 3_000 // 6


class Sender:
    """Calls the gateway, or a service, from an address of this machine, saying whose call it is."""

    def __init__(self, base: str, source: str) -> None:
        self.client = aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(limit=16, local_addr=(source, 0)))

    async def post(self, path: str, browser: str, **body: Any) -> int:
        async with self.client.post(path, json=body, headers={"X-Forwarded-For": browser}) as answer:
            await answer.read()
            return answer.status

    async def sign_in(self, browser: str, login: str, password: str = "Faux!2026") -> int:
        return await self.post("/api/identity/v1/sessions", browser, login=login, password=password)


@pytest.fixture
async def pages(stack: Stack) -> AsyncIterator[Sender]:
    opened = Sender(stack.gateway, stack.pages_call_from)
    yield opened
    await opened.client.close()


async def test_fifty_wrong_sign_ins_by_one_browser_slow_no_other(pages: Sender, family: Family) -> None:
    login = family.guardian.username
    answers = Counter([await pages.sign_in("203.0.113.1", login) for _ in range(50)])
    assert answers == {401: 10, 429: 40}
    assert await pages.sign_in("203.0.113.1", login, PASSWORD) == 429
    assert await pages.sign_in("198.51.100.1", login, PASSWORD) == 201
    assert await pages.sign_in("198.51.100.2", "diallo", PASSWORD) == 201


async def test_the_pages_say_whose_call_it_is_and_believe_no_browser_that_names_another(
    stack: Stack, family: Family
) -> None:
    login, one, other = family.guardian.username, "127.0.0.21", "127.0.0.22"

    async def signs_in(browser: Browser, password: str, **headers: str) -> int:
        form = (await browser.get("/connexion")).form("/connexion")
        return (await browser.post("/connexion", form | {"login": login, "password": password}, **headers)).status

    async with AsyncExitStack() as opened:
        wrong, right = [
            Browser(
                await opened.enter_async_context(
                    aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=(source, 0)))
                ),
                stack.web,
            )
            for source in (one, other)
        ]
        answers = [await signs_in(wrong, "Faux!2026", X_Forwarded_For=f"203.0.113.{number}") for number in range(12)]
        assert answers == [422] * 10 + [429] * 2
        assert await signs_in(right, PASSWORD) == 200
        assert await signs_in(wrong, PASSWORD) == 429


@pytest.mark.parametrize("door", ["gateway", "identity"])
async def test_a_stranger_is_not_believed_who_names_another_browser(
    stack: Stack, door: str, moving_clock: Clock
) -> None:
    base, prefix = (stack.gateway, "/api/identity") if door == "gateway" else (stack.services["identity"], "")
    stranger = Sender(base, "127.0.0.3" if door == "gateway" else "127.0.0.4")
    login = f"personne-{door}"
    path = f"{prefix}/v1/sessions"
    answers = [
        await stranger.post(path, f"203.0.113.{number}", login=login, password="Faux!2026") for number in range(12)
    ]
    assert answers == [401] * 10 + [429] * 2
    await stranger.client.close()


async def test_three_thousand_families_an_hour_meet_no_limit(pages: Sender, moving_clock: Clock) -> None:
    """Each mistakes its dossier's number once; one browser that does so as often is told to wait."""

    async def mistaken(browser: str) -> int:
        wrong = {"dossier_number": "999999", "last_name": "Petit", "email": "petit@example.org"}
        return await pages.post("/api/identity/v1/claims", browser, **wrong)

    families = [f"10.1.{number // 250}.{number % 250}" for number in range(FAMILIES)]
    assert Counter(await asyncio.gather(*map(mistaken, families))) == {404: FAMILIES}
    signing_in = (pages.sign_in(browser, f"famille.{browser}") for browser in families[:60])
    assert set(await asyncio.gather(*signing_in)) == {401}
    assert Counter(await asyncio.gather(*(mistaken("203.0.113.9") for _ in range(25)))) == {404: 20, 429: 5}
