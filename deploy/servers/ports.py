"""Free loopback ports, never the same for two stacks started at the same moment."""

import random
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

from deploy.servers.errors import LauncherError

#: Above what servers usually take, below what Linux gives to outgoing connections.
RANGE = range(26000, 32768)


@contextmanager
def reserved() -> Iterator[int]:
    """A port of 127.0.0.1 on which nothing listens and which no other launcher takes meanwhile."""
    for port in random.sample(RANGE, len(RANGE)):
        # An abstract Unix socket is a lock that the kernel gives back when its holder dies, whatever the way.
        with closing(socket.socket(socket.AF_UNIX)) as claim:
            try:
                claim.bind(f"\0espace-familles/port/{port}")
                with closing(socket.socket()) as trial:
                    trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            yield port
            return
    raise LauncherError(f"No port is free on 127.0.0.1 between {RANGE.start} and {RANGE.stop - 1}.")
