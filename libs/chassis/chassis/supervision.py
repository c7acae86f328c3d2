"""What runs for ever: begun again whenever it ends, and never in silence."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from chassis import broker, trouble
from chassis.stopping import Stop

log = structlog.get_logger()

BACK_OFF_S = 1.0
#: An error that nobody foresaw may come again at once, and for long.
LONGEST_BACK_OFF_S = 30.0


async def keep_going(
    what: str, work: Callable[[], Awaitable[None]], stop: Stop, pause_s: float = 0.0, **told: object
) -> None:
    """Do `work` again and again until told to stop, `pause_s` after it ended or a while after it failed.

    Trouble with a server and errors of ours end nothing; the log says which, with `told`.
    """
    loop, failures = asyncio.get_running_loop(), 0
    while not stop.is_set():
        began = loop.time()
        try:
            await work()
            failures, wait_s = 0, pause_s
        except (Exception, asyncio.CancelledError) as error:
            is_ours = isinstance(error, asyncio.CancelledError) and not broker.is_trouble(error)
            if is_ours:
                raise
            failures = failures + 1 if loop.time() - began < LONGEST_BACK_OFF_S else 1
            if trouble.is_trouble(error) or trouble.is_contention(error) or broker.is_trouble(error):
                log.warning(f"{what}_interrupted", error=trouble.said(error), **told)
                wait_s = BACK_OFF_S
            else:
                log.error(f"{what}_failed", exc_info=error, **told)
                wait_s = min(LONGEST_BACK_OFF_S, BACK_OFF_S * 2 ** min(failures - 1, 10))
        await stop.wait(wait_s)
