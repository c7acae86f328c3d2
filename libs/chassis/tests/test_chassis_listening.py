"""How a process listens: heads of requests that must end, and whose word is believed for a client's address."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import aiohttp
import pytest
from chassis import listening
from chassis.listening import HEAD_LIMIT, client_address
from chassis.policies import PUBLIC
from chassis.service import Service
from chassis.settings import ServiceSettings, read
from chassis.testing import Databases, Signer, serving
from fastapi import APIRouter, Request

from libs.chassis.tests.processes import Processes, environment
from libs.chassis.tests.toy.toy.main import SERVICE, Settings

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Streams]]

WHOLE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
router = APIRouter(dependencies=[PUBLIC])


@router.post("/echo")
async def echo(request: Request) -> dict[str, str]:
    return {"address": client_address(request), "body": (await request.body()).decode()}


@pytest.fixture(scope="session")
def service() -> Service:
    return replace(SERVICE, routers=(router,))


@pytest.fixture
async def dial(client: aiohttp.ClientSession) -> AsyncIterator[Dial]:
    """A connection to the service."""
    async with client.get("/healthz") as answer:
        port = answer.url.port
    opened: list[Streams] = []

    async def connect() -> Streams:
        opened.append(await asyncio.open_connection("127.0.0.1", port))
        return opened[-1]

    yield connect
    for _, writer in opened:
        writer.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "HEAD_S", 0.3)


async def _all(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        return await reader.read()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head + await reader.readexactly(length)


async def _time_for_a_head_passes(dial: Dial) -> None:
    reader, _ = await dial()
    assert await _all(reader) == b""


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("sent", [b"", b"\r\n", b"G", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", WHOLE[:-1]])
async def test_a_connection_whose_request_does_not_begin_or_end_is_closed(dial: Dial, sent: bytes) -> None:
    reader, writer = await dial()
    writer.write(sent)
    assert await _all(reader) == b""


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("piece", [b"X-Slow: 1\r\n", b"\r\n"])
@pytest.mark.parametrize("first", [b"", WHOLE])
async def test_a_head_that_comes_drop_by_drop_is_closed_all_the_same(dial: Dial, first: bytes, piece: bytes) -> None:
    reader, writer = await dial()
    if first:
        writer.write(first)
        assert (await _answer(reader)).startswith(b"HTTP/1.1 200 ")
    if piece != b"\r\n":
        writer.write(b"GET /healthz HTTP/1.1\r\n")

    async def drip() -> None:
        while not writer.is_closing():
            writer.write(piece)
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    try:
        assert await _all(reader) == b""
    except ConnectionResetError:
        pass  # the same, seen while a drop was under way
    finally:
        dripping.cancel()


@pytest.mark.usefixtures("impatient")
async def test_a_slow_body_and_an_idle_connection_are_left_alone(dial: Dial) -> None:
    reader, writer = await dial()
    writer.write(b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
    await _time_for_a_head_passes(dial)
    writer.write(b"cd")
    assert b'"abcd"' in await _answer(reader)
    await _time_for_a_head_passes(dial)
    writer.write(WHOLE)
    assert (await _answer(reader)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.usefixtures("impatient")
async def test_a_second_head_that_never_ends_does_not_cut_the_answer_to_the_first_request(dial: Dial) -> None:
    reader, writer = await dial()
    writer.write(b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcdGET /healthz HTTP/1.1\r\n")
    answer = await _all(reader)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b'"abcd"}')


@pytest.mark.parametrize("header", [b"X-Big: " + b"x" * HEAD_LIMIT, b"X-Many: 1\r\n" * (HEAD_LIMIT // 11 + 1)])
async def test_a_head_without_bounds_is_refused_before_it_ends(dial: Dial, header: bytes) -> None:
    reader, writer = await dial()
    writer.write(b"GET /healthz HTTP/1.1\r\n" + header)
    answer = await _answer(reader)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"application/problem+json" in answer


async def test_large_bodies_in_a_row_are_not_taken_for_a_head(dial: Dial) -> None:
    reader, writer = await dial()
    for _ in range(3):
        writer.write(b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000)
        assert (await _answer(reader)).startswith(b"HTTP/1.1 200 ")


async def test_what_is_not_http_is_told_so_in_a_problem(dial: Dial) -> None:
    reader, writer = await dial()
    writer.write(b"HELLO\r\n\r\n")
    answer = await _all(reader)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"urn:problem:unreadable" in answer


@pytest.mark.parametrize(
    ("trusted", "believed"),
    [("", False), ("10.0.0.1", False), ("127.0.0.1", True), ("10.0.0.1, 127.0.0.0/8", True), ("::1", False)],
)
async def test_another_address_is_believed_from_a_trusted_one_only(
    service: Service, settings: ServiceSettings, signer: Signer, trusted: str, believed: bool
) -> None:
    there = settings.model_copy(update={"trusted_proxies": trusted})
    async with serving(service, there, signer) as client:
        async with client.post("/v1/echo", headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}) as answer:
            assert (await answer.json())["address"] == ("203.0.113.9" if believed else "127.0.0.1")
        async with client.post("/v1/echo") as answer:
            assert (await answer.json())["address"] == "127.0.0.1"


@pytest.mark.parametrize("said", [None, "", "everybody", "*", "127.0.0.1;10.0.0.1"])
def test_production_wants_the_gateways_addresses_said(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, said: str | None
) -> None:
    for name, value in (environment(databases) | {"ENVIRONMENT": "production"}).items():
        monkeypatch.setenv(name, value)
    for possible in ("10.0.0.1", "10.0.0.0/8,::1"):
        monkeypatch.setenv("TOY_TRUSTED_PROXIES", possible)
        assert read(Settings).trusted_proxies == possible
    if said is None:
        monkeypatch.delenv("TOY_TRUSTED_PROXIES")
    else:
        monkeypatch.setenv("TOY_TRUSTED_PROXIES", said)
    with pytest.raises(SystemExit, match=r"^Set in the environment: TOY_TRUSTED_PROXIES \(.*\)\.$"):
        read(Settings)


async def test_a_process_in_production_does_not_start_without(databases: Databases, processes: Processes) -> None:
    refused = await processes.start("api", **environment(databases) | {"ENVIRONMENT": "production", "CLOCK_FILE": None})
    assert await refused.ended() == 1
    assert "TOY_TRUSTED_PROXIES" in refused.output()
    assert refused.output().count("\n") == 1
