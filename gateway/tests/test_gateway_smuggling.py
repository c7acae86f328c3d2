"""Requests that two readers could understand differently: the gateway refuses them, and a service hears one request."""

from collections.abc import Awaitable, Callable

import pytest

from tests.security.wire import CHUNKED, CHUNKS, FIRST_LINES, HEAD, HIDDEN, TWO_LENGTHS, statuses

Wire = Callable[..., Awaitable[bytes]]


async def test_two_honest_requests_on_one_connection_are_two(wire: Wire, heard: list[str]) -> None:
    for body in (b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"):
        heard.clear()
        assert statuses(await wire(HEAD + body + HIDDEN)) == [b"207", b"207"]
        assert heard == ["/v1/first", "/v1/hidden"]


@pytest.mark.parametrize("rest", TWO_LENGTHS.values(), ids=TWO_LENGTHS)
async def test_a_body_of_doubtful_length_is_refused_and_the_connection_closed(
    wire: Wire, heard: list[str], rest: bytes
) -> None:
    assert statuses(await wire(HEAD + rest + HIDDEN)) == [b"400"]
    assert heard == []


@pytest.mark.parametrize("chunk", CHUNKS.values(), ids=CHUNKS)
async def test_a_chunk_of_doubtful_size_ends_the_connection(wire: Wire, heard: list[str], chunk: bytes) -> None:
    answer = await wire(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + CHUNKED + HIDDEN)
    assert statuses(answer) == [b"400"]
    assert "/v1/hidden" not in heard


@pytest.mark.parametrize("line", FIRST_LINES)
async def test_a_first_line_out_of_the_ordinary_is_refused(wire: Wire, heard: list[str], line: bytes) -> None:
    assert statuses(await wire(line + b"Host: x\r\nContent-Length: 0\r\n\r\n" + HIDDEN)) == [b"400"]
    assert heard == []


async def test_chunks_in_a_protocol_without_chunks_are_not_two_requests(wire: Wire, heard: list[str]) -> None:
    line = b"POST /api/dossier/v1/first HTTP/1.0\r\nHost: x\r\n"
    assert statuses(await wire(line + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED + HIDDEN)) == [b"207"]
    assert heard == ["/v1/first"]


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.0"])
async def test_nobody_leaves_http_by_an_upgrade(wire: Wire, heard: list[str], upgrade: bytes) -> None:
    asked = HEAD + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + upgrade + b"\r\n"
    assert statuses(await wire(asked + b"\r\n" + HIDDEN)) == [b"207"]
    assert heard == ["/v1/first"]
    for body in (b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED):
        assert statuses(await wire(asked + body + HIDDEN)) == [b"400"]
    assert heard == ["/v1/first"]


async def test_a_body_cut_short_is_no_request(wire: Wire, heard: list[str]) -> None:
    await wire(HEAD + b"Content-Length: 1000\r\n\r\n" + HIDDEN, hang_up=True)
    assert "/v1/hidden" not in heard


async def test_what_looks_like_a_request_within_a_body_stays_there(wire: Wire, heard: list[str]) -> None:
    length = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(HIDDEN)
    assert statuses(await wire(HEAD + length + HIDDEN)) == [b"207"]
    assert statuses(await wire(HEAD.replace(b"POST", b"GET") + length + HIDDEN)) == [b"207"]
    assert heard == ["/v1/first", "/v1/first"]
