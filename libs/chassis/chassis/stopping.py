"""Being asked to stop, and waits that end early when that happens."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


class Stop:
    """Set once, by SIGTERM or SIGINT or by hand."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def on_signals(self) -> None:
        """Let SIGTERM and SIGINT set it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.set)

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self, timeout_s: float | None = None) -> None:
        """Until stopped, at most `timeout_s` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()

    async def finish(self, work: Coroutine[Any, Any, None], drain_s: float) -> None:
        """Do the work; once stopped it has so many seconds left to end by itself."""
        task, ended = asyncio.ensure_future(work), asyncio.Event()
        task.add_done_callback(lambda _: ended.set())
        try:
            await self.wait_for(ended)
            await asyncio.wait({task}, timeout=drain_s)
        finally:
            task.cancel()
            await asyncio.wait({task})
        if not (task.cancelled() and self.is_set()):
            task.result()

    async def wait_for(self, *events: asyncio.Event, timeout_s: float | None = None) -> None:
        """Until stopped or one of the events, at most `timeout_s` seconds."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._event, *events)]
        try:
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
