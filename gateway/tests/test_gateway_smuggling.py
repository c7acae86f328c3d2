"""Requests that two readers could understand differently: the gateway refuses them, and a service hears one request."""

from collections.abc import Awaitable, Callable

import pytest

Wire = Callable[..., Awaitable[bytes]]

HEAD = b"POST /api/dossier/v1/first HTTP/1.1\r\nHost: x\r\n"
HIDDEN = b"GET /api/dossier/v1/hidden HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKED = b"0\r\n\r\n"

TWO_LENGTHS = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "length and identity": b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNKED,
    "length twice": b"Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + CHUNKED,
    "length twice, the same": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "length as a list": b"Content-Length: 5, 5\r\n\r\n" + CHUNKED,
    "length with a sign": b"Content-Length: +5\r\n\r\n" + CHUNKED,
    "length below nothing": b"Content-Length: -1\r\n\r\n" + CHUNKED,
    "length in hexadecimal": b"Content-Length: 0x5\r\n\r\n" + CHUNKED,
    "length in two words": b"Content-Length: 5 5\r\n\r\n" + CHUNKED,
    "length without end": b"Content-Length: 99999999999999999999999\r\n\r\n" + CHUNKED,
    "no length": b"Content-Length: \r\n\r\n" + CHUNKED,
    "space before the colon": b"Content-Length : 5\r\n\r\n" + CHUNKED,
    "space before the colon, chunks": b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKED,
    "tab before the colon": b"Transfer-Encoding\t: chunked\r\n\r\n" + CHUNKED,
    "folded header": b"X-Folded: a\r\n b\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "folded chunks": b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKED,
    "folded length": b"Content-Length:\r\n\t5\r\n\r\n" + CHUNKED,
    "folded first line": b" X-First: folded\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKED,
    "coding after chunks": b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED,
    "codings in two lines": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNKED,
    "coding quoted": b'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNKED,
    "coding with a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKED,
    "nul in a header": b"X-Nul: a\0b\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "nul in a name": b"Transfer-Encoding\0: chunked\r\n\r\n" + CHUNKED,
    "bare return": b"X-Bare: a\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    "bare newline": b"X-Bare: a\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "header without a colon": b"Transfer-Encoding\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
}
CHUNKS = {
    "hexadecimal sign": b"0x5\r\nhello\r\n",
    "below nothing": b"-5\r\nhello\r\n",
    "plus": b"+5\r\nhello\r\n",
    "without end": b"ffffffffffffffffff\r\nhello\r\n",
    "no size": b"\r\nhello\r\n",
    "no number": b"g\r\nhello\r\n",
    "space before": b" 5\r\nhello\r\n",
    "space after": b"5 \r\nhello\r\n",
    "newline only": b"5\nhello\r\n",
    "return only": b"5\rhello\r\n",
    "newline in an extension": b"5;a=\nb\r\nhello\r\n",
    "nul in an extension": b"5;a=\0\r\nhello\r\n",
    "too long": b"3\r\nhello\r\n",
    "too short": b"6\r\nhello\r\n",
    "no line after": b"5\r\nhello",
    "underscore": b"1_0\r\nhello\r\n",
}
FIRST_LINES = [
    b"POST /api/dossier/v1/first\r\n",
    b"POST\t/api/dossier/v1/first\tHTTP/1.1\r\n",
    b"POST /api/dossier/v1/first HTTP/1.1 \r\n",
    b"POST /api/dossier/v1/first HTTP/2.0\r\n",
    b"POST /api/dossier/v1/first HTTP/1.10\r\n",
    b"POST /api/dossier/v1/first HTTP/0.9\r\n",
    b"POST /api/dossier/v1/first http/1.1\r\n",
    b"PRI * HTTP/2.0\r\n",
    b"post /api/dossier/v1/first HTTP/1.1\r\n",
    b"PO ST /api/dossier/v1/first HTTP/1.1\r\n",
]


def statuses(answer: bytes) -> list[bytes]:
    return [answer[at + 9 : at + 12] for at in range(len(answer)) if answer.startswith(b"HTTP/1.1 ", at)]


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
