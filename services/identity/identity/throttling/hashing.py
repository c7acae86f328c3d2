"""Rooms: of one address, so many requests in a process at once, and of them so many whose passwords are hashed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from identity.throttling.tries import TooManyTries

#: Requests of one address that may be in one process at once, most of them waiting; and those whose passwords are
#: hashed: however many one address sends, another's waits behind so few.
IN_PROCESS, HASHED_AT_ONCE = 50, 2


@dataclass
class _Room:
    """The requests of one address in this process."""

    inside: int = 0
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(HASHED_AT_ONCE))


_ROOMS: dict[str, _Room] = {}


@asynccontextmanager
async def room(address: str) -> AsyncIterator[asyncio.Semaphore]:
    """Around a request that will hash a password; gives what must be held while it is hashed. Raises TooManyTries.

    Threads that hash belong to the process, and so do these bounds.
    """
    its_room = _ROOMS.setdefault(address, _Room())
    if its_room.inside >= IN_PROCESS:
        raise TooManyTries("Trop de demandes arrivent en même temps de votre adresse : réessayez.", retry_after_s=1)
    its_room.inside += 1
    try:
        yield its_room.hashing
    finally:
        its_room.inside -= 1
        if not its_room.inside:
            del _ROOMS[address]
