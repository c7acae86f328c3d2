"""Load over HTTP/1.1, as cheap as it can be: the generator shares the cores with what it measures."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import uvloop


@dataclass
class Answers:
    """What came back: answers by status, milliseconds of each, over so many seconds; the last one's body."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    last: bytes = b""

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    def percentile_ms(self, share: float) -> float:
        return sorted(self.latencies_ms)[min(int(len(self.latencies_ms) * share), len(self.latencies_ms) - 1)]

    def expect(self, status: int) -> "Answers":
        """Itself; raises AssertionError where anything else was answered."""
        if set(self.statuses) != {status}:
            raise AssertionError(f"expected {status} alone, got {dict(self.statuses)}")
        return self


class _Client(asyncio.Protocol):
    """One keep-alive connection: a request at a time, the next as soon as the answer is whole."""

    def __init__(self, requests: Iterator[bytes], answers: Answers, until: float) -> None:
        self.requests, self.answers, self.until = requests, answers, until
        self.buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        request = next(self.requests, None) if time.perf_counter() < self.until else None
        if request is None:
            self.transport.close()
            return
        self.asked_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        self.answers.statuses[int(head[9:12])] += 1
        self.answers.latencies_ms.append((time.perf_counter() - self.asked_at) * 1000)
        self.answers.last, self.buffer = rest, b""
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(None)


def load(url: str, requests: Iterator[bytes], *, clients: int, seconds: float) -> Answers:
    """Send `requests` (each whole, with its Content-Length) from so many connections for so long."""
    host, port = url.removeprefix("http://").split(":")

    async def run() -> Answers:
        answers, began = Answers(), time.perf_counter()
        opened = [
            await asyncio.get_running_loop().create_connection(
                lambda: _Client(requests, answers, began + seconds), host, int(port)
            )
            for _ in range(clients)
        ]
        await asyncio.gather(*(client.done for _, client in opened))
        answers.seconds = time.perf_counter() - began
        return answers

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def request(method: str, path: str, token: str, body: bytes = b"", **headers: str) -> bytes:
    """One request as bytes; header names have `_` for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {token}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
