"""The terminal: what goes wrong is said in one message, Ctrl-C ends in order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

from deploy.servers.errors import LauncherError

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

console = Console(highlight=False)


@contextmanager
def reported(when_interrupted: int) -> Iterator[None]:
    """Exit status 1 and one message for what goes wrong; another status for Ctrl-C, SIGTERM and a closed terminal."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        for number in STOPPING:  # a second Ctrl-C shall not cut the cleaning short
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in STOPPING:
        signal.signal(number, interrupt)
    try:
        yield
    except LauncherError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(when_interrupted) from None
