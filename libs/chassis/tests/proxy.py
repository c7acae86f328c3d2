"""A TCP relay that a test may cut, restore, silence or deafen: a server that goes away without being stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Relays to the server of `target`; `url` is the same URL through it."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._open: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = {}
        self._swallowed: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        netloc = f"{self.target.username}:{self.target.password}@127.0.0.1:{self._port}"
        return urlunsplit(self.target._replace(netloc=netloc))

    async def restore(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse connections, and reset those that are open."""
        assert self._server is not None
        self._server.close()
        relaying = dict(self._open)
        for ends in relaying.values():
            for end in ends:
                end.transport.abort()
        if relaying:
            await asyncio.wait(relaying)

    def silence(self) -> None:
        """Swallow whatever either side says on the connections that are open now, as a network does that is gone."""
        self._swallowed.update(end for ends in self._open.values() for end in ends)

    def deafen(self) -> None:
        """Swallow what clients say from now on; they still hear the server."""
        self._swallowed.update(upstream for _, upstream in self._open.values())

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(self.target.hostname, self.target.port)
        except OSError:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer, upstream_writer
        try:
            await asyncio.gather(self._copy(reader, upstream_writer), self._copy(upstream_reader, writer))
        finally:
            del self._open[task]

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if writer not in self._swallowed:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def proxy(target: str) -> AsyncIterator[Proxy]:
    """A relay to the server of that URL, until leaving."""
    relay = Proxy(target)
    await relay.restore()
    try:
        yield relay
    finally:
        await relay.cut()
