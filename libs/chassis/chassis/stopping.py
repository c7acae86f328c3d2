"""Being asked to stop, and waits that end early when that happens."""

import asyncio
import signal
from contextlib import suppress


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

    async def wait_for(self, *events: asyncio.Event, timeout_s: float | None = None) -> None:
        """Until stopped or one of the events, at most `timeout_s` seconds."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._event, *events)]
        try:
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
