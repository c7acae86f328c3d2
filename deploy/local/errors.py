"""What can go wrong with a stack, and how it is said at the terminal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

console = Console(highlight=False)


class LauncherError(Exception):
    """Said to the person at the terminal, who gets exit status 1."""


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
