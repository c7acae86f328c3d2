"""What an attacker sends to a gateway as bytes: spellings of paths, and requests that two readers read differently."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

#: EAR stands for a listener that must never hear anything, SERVICE for the address of the service itself.
SPELLINGS = [
    "/api/dossier%2fv1%2f@EAR/x",
    "/api/dossier%2Fv1%2F@EAR/x",
    "/api/dossier%2fv1/@EAR/x",
    "/api/dossier/v1%2f@EAR/x",
    "/api/dossier%2f%2fv1%2f@EAR/x",
    "/api/dossier:x@EAR/v1/x",
    "/api/dossier@EAR/v1/x",
    "/api/dossier%40EAR/v1/x",
    "/api/.EAR/v1/x",
    "/api//EAR/v1/x",
    "/api/dossier/v1@EAR/x",
    "/api/dossier/v1\\@EAR/x",
    "/api/dossier\\v1\\@EAR/x",
    "/api/dossier%5cv1%5c@EAR/x",
    "/api\\dossier/v1/x",
    "/api/dossier/v1/..\\..\\x",
    "/api/dossier/v1/%5c%5cEAR/x",
    "/api/dossier/v1/\\\\EAR/x",
    "/%61pi/dossier/v1/x",
    "/ap%69/dossier/v1/@EAR",
    "/api/%64ossier/v1/x",
    "/api/dossie%72/v1/@EAR",
    "/api/dossier/%761/x",
    "/api/dossier/v%31/x",
    "/API/dossier/v1/x",
    "/api/Dossier/v1/x",
    "//api/dossier/v1/x",
    "//EAR/api/dossier/v1/x",
    "///EAR/x",
    "/api//dossier/v1/x",
    "/api/dossier//v1/x",
    "/api/dossier/v1//x",
    "/api/dossier/v1//EAR/x",
    "/api/dossier/v1/%2f%2fEAR/x",
    "/api/dossier/v1/things/",
    "/./api/dossier/v1/x",
    "/../api/dossier/v1/x",
    "/api/../api/dossier/v1/x",
    "/api/dossier/v1/../healthz",
    "/api/dossier/v1/%2e%2e/healthz",
    "/api/dossier/v1/.%2e/healthz",
    "/api/dossier/v1/%2e%2e%2fhealthz",
    "/api/dossier/v1/..%2f..%2f@EAR/x",
    "/api/dossier/v1/..%5c..%5c@EAR/x",
    "/api/dossier/v1/./things",
    "/api/dossier/v1/things/..",
    "/api/dossier/v1/..;/healthz",
    "/api/dossier;x=@EAR/v1/x",
    "/api/dossier/v1;@EAR/x",
    "/api/dossier%00/v1/x",
    "/api/dossier%0d%0aHost:%20EAR/v1/x",
    "/api/dossier%3f/v1/@EAR",
    "/api/dossier%23/v1/@EAR",
    "/api/dossier?x=/v1/@EAR",
    "/api/dossier#@EAR/v1/x",
    "/api/dossier%252fv1%252f@EAR/x",
    "/api/%2e%2e/dossier/v1/x",
    "http://EAR/x",
    "http://EAR/api/dossier%2fv1%2f@EAR/x",
    "http://user:secret@EAR/x",
    "http://dossier@EAR/v1/x",
    "https://EAR/x",
    "*",
    "/healthz%2f",
    "/%68ealthz",
    "/api/%64ocs",
    "/api/docs/",
    "/api/docs/%2e%2e/openapi.json",
    "/api/docs/../../pyproject.toml",
    "/api/docs/..%2f..%2fpyproject.toml",
    "/api/docs//etc/passwd",
    "/api/docs/%00",
    "/api/docs/no-such-file",
    "/api/openapi.json/",
]
#: What is no address at all is refused before it is looked at.
NONSENSE = [
    "EAR/x",
    "EAR",
    "@EAR/x",
    "api/dossier/v1/x",
    "/api/dossier/v1/x y",
    "/api/dossier/v1/\xe9",
    "\\\\EAR\\x",
    "",
]


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
    """Of each answer on that connection."""
    return [answer[at + 9 : at + 12] for at in range(len(answer)) if answer.startswith(b"HTTP/1.1 ", at)]


async def exchange(port: int, sent: bytes, *, hang_up: bool = False) -> bytes:
    """Bytes sent as they are, and all that is answered until the other side closes; `hang_up` ends our side first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    if hang_up:
        writer.write_eof()
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


@dataclass
class Ear:
    """A listener that must never hear anything."""

    address: str = ""
    heard: int = 0


@asynccontextmanager
async def listening() -> AsyncIterator[Ear]:
    ear = Ear()

    def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ear.heard += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nheard")
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    ear.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield ear
