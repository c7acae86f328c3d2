"""Guesses: what surrounds one, made by a person or by a program, and whatever else hashes a password."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.database import Database
from chassis.problems import Problem
from sqlalchemy.ext.asyncio import AsyncSession

from identity.settings import Settings
from identity.throttling import known_addresses, tries
from identity.throttling.lanes import Stranger, turn
from identity.throttling.rules import network
from identity.throttling.tries import Counted, Limit, TooManyTries, guess

#: Requests of one address that may be in one process at once, most of them waiting; and those whose passwords are
#: hashed: however many one address sends, another's waits behind so few.
IN_PROCESS, HASHED_AT_ONCE = 50, 2


def limits_of(settings: Settings, login: str, address: str) -> list[Limit]:
    """Of tries at one login (its key) from one address, then of the address whatever the login."""
    return [
        Limit(f"sign-in {login} {address}", settings.sign_in_limit),
        Limit(f"sign-in {address}", settings.sign_in_address_limit),
    ]


async def stranger(
    session: AsyncSession, settings: Settings, login: str, owner_id: UUID | None, address: str
) -> Stranger | None:
    """The guess of an address from which whom the login means never signed in; none of one that is known."""
    if await known_addresses.knows(session, settings.secret, owner_id, address):
        return None
    return Stranger(login, network(address), settings.longest_spacing_s)


@asynccontextmanager
async def guessing(
    database: Database, address: str, limits: Sequence[Limit], stranger: Stranger | None, wrong: type[Problem]
) -> AsyncIterator[Counted]:
    """Around the proof of who signs in: in the stranger's turn, no more of one address at once than may be, counted.

    Counted last, so that what waits here is no try yet. Raises TooManyTries.
    """
    async with AsyncExitStack() as held:
        hashing = await held.enter_async_context(room(address))
        if stranger:
            await held.enter_async_context(turn(database, stranger, wrong))
        await held.enter_async_context(hashing)
        yield await held.enter_async_context(guess(database, limits, wrong))


async def proved(
    session: AsyncSession, settings: Settings, owner_id: UUID, address: str, counted: Counted, now: datetime
) -> None:
    """One was right: tries at that login from there begin anew, and the address is known from now on."""
    await known_addresses.remember(session, settings.secret, owner_id, address, now)
    await tries.give_back(session, counted.limits, anew=counted.limits[0])
    counted.settled = True


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
