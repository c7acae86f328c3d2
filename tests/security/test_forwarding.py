"""The running gateway forwards its own paths to its own services and nothing else, whatever is sent to it."""

import re
from urllib.parse import urlsplit

import aiohttp
import pytest

from deploy.local.stack import Stack
from tests.security.wire import (
    CHUNKED,
    CHUNKS,
    FIRST_LINES,
    HEAD,
    HIDDEN,
    NONSENSE,
    SPELLINGS,
    TWO_LENGTHS,
    exchange,
    listening,
    statuses,
)

ANSWERED = re.compile(r'espace_requests_total\{method="\w+",route="(?!/metrics|/readyz|/healthz)[^"]*".*\} (\d+)')


@pytest.fixture
def port(stack: Stack) -> int:
    return urlsplit(stack.gateway).port or 0


async def answered(stack: Stack) -> dict[str, int]:
    """How many requests each service has answered but for those about its health."""
    async with aiohttp.ClientSession() as client:
        told = {}
        for service, url in stack.services.items():
            async with client.get(f"{url}/metrics") as answer:
                told[service] = sum(map(int, ANSWERED.findall(await answer.text())))
    return told


async def test_a_path_spelled_otherwise_reaches_nobody(stack: Stack, port: int) -> None:
    before = await answered(stack)
    async with listening() as ear:
        for expected, targets in ((404, SPELLINGS), (400, NONSENSE)):
            for target in targets:
                spelled = target.replace("EAR", ear.address)
                head = f"GET {spelled} HTTP/1.1\r\nHost: {ear.address}\r\nConnection: close\r\n\r\n"
                answer = await exchange(port, head.encode("latin-1"))
                assert statuses(answer) == [b"%d" % expected], spelled
        assert ear.heard == 0
    assert await answered(stack) == before


async def test_a_request_that_can_be_read_in_two_ways_is_refused_and_hides_no_other(stack: Stack, port: int) -> None:
    before = await answered(stack)
    ambiguous = [HEAD + rest for rest in TWO_LENGTHS.values()]
    ambiguous += [line + b"Host: x\r\nContent-Length: 0\r\n\r\n" for line in FIRST_LINES]
    for sent in ambiguous:
        assert statuses(await exchange(port, sent + HIDDEN)) == [b"400"], sent
    assert await answered(stack) == before

    for chunk in CHUNKS.values():  # a body is forwarded while it comes: the service may hear the beginning of the first
        sent = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + CHUNKED + HIDDEN
        assert statuses(await exchange(port, sent)) == [b"400"], chunk


async def test_two_honest_requests_on_one_connection_reach_their_service(stack: Stack, port: int) -> None:
    before = (await answered(stack))["dossier"]
    sent = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + CHUNKED + HIDDEN
    assert statuses(await exchange(port, sent)) == [b"404", b"404"]
    assert (await answered(stack))["dossier"] == before + 2
