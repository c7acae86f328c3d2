"""Waiting for a condition, with a deadline."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

DEADLINE_S = 30.0


async def until(value: Callable[[], object | Awaitable[object]], expected: object = True) -> None:
    """Return as soon as `value()`, awaited where it can be, is what is expected; fails after the deadline."""
    found: object = None
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                found = value()
                if inspect.isawaitable(found):
                    found = await found
                if found == expected:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"still {found!r} instead of {expected!r} after {DEADLINE_S:.0f} s") from None
