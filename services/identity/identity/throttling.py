"""Tries counted over ten minutes, per account and address or per address: slowed, never locked by a stranger.

A try is counted before it is heard, and given back unless it was wrong: of many at once, none slips through.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from math import ceil

from chassis import clock
from chassis.database import Database
from chassis.problems import Problem
from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Tries
from identity.tokens import digest

WINDOW = timedelta(minutes=10)

#: Requests of one address that may be in one process at once, most of them waiting; and those whose passwords are
#: hashed: however many one address sends, another's waits behind so few.
IN_PROCESS, HASHED_AT_ONCE = 50, 2


class TooManyTries(Problem):
    type = "urn:problem:identity:too-many-tries"
    status = 429
    title = "Trop d'essais"


@dataclass(frozen=True)
class Limit:
    """At most `tries` in the window of what `on` names (an address, an account and an address...)."""

    on: str
    tries: int
    window: timedelta = WINDOW

    @property
    def key(self) -> bytes:
        return digest(self.on)


def source(address: str) -> str:
    """What stands for one client: its IPv4 address, or the /64 network that a single IPv6 client owns whole."""
    try:
        ip = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip) if ip.version == 4 else str(ip_network((ip, 64), strict=False))


def network(address: str) -> str:
    """What one stranger easily has many addresses of: the /24 of an IPv4 source, the /48 of an IPv6 one."""
    try:
        ip = ip_network(address, strict=False)
    except ValueError:
        return address
    return str(ip.supernet(new_prefix=24 if ip.version == 4 else 48))


def _refusal(ends_at: datetime, now: datetime) -> TooManyTries:
    wait_s = max(1, ceil((ends_at - now).total_seconds()))
    minutes = ceil(wait_s / 60)
    when = "une minute" if minutes == 1 else f"{minutes} minutes"
    return TooManyTries(f"Trop d'essais ont été faits : réessayez dans {when}.", retry_after_s=wait_s)


async def refuse_spent(session: AsyncSession, limits: Sequence[Limit], now: datetime) -> None:
    """Raises TooManyTries where one of them has no try left."""
    allowed = {limit.key: limit.tries for limit in limits}
    for row in await session.scalars(select(Tries).where(Tries.key.in_(allowed), Tries.ends_at > now)):
        if row.tried >= allowed[row.key]:
            raise _refusal(row.ends_at, now)


async def count(session: AsyncSession, limits: Sequence[Limit], now: datetime) -> None:
    """Count one try; raises TooManyTries when it is one too many, and then the transaction must not be committed."""
    for limit in _in_order(limits):
        running = Tries.ends_at > now
        counted = insert(Tries).values(key=limit.key, tried=1, ends_at=now + limit.window)
        counted = counted.on_conflict_do_update(
            index_elements=[Tries.key],
            set_={
                "tried": case((running, Tries.tried + 1), else_=1),
                "ends_at": case((running, Tries.ends_at), else_=now + limit.window),
            },
        )
        row = (await session.execute(counted.returning(Tries.tried, Tries.ends_at))).one()
        if row.tried > limit.tries:
            raise _refusal(row.ends_at, now)


async def is_spent(session: AsyncSession, limits: Sequence[Limit], now: datetime) -> bool:
    """Whether a try is one too many; otherwise it is counted."""
    try:
        async with session.begin_nested():
            await count(session, limits, now)
    except TooManyTries:
        return True
    return False


def _in_order(limits: Sequence[Limit]) -> list[Limit]:
    """One order, so that two requests never wait in a ring."""
    return sorted(limits, key=lambda limit: limit.key)


async def give_back(session: AsyncSession, limits: Sequence[Limit]) -> None:
    """A try that was counted was none."""
    for limit in _in_order(limits):
        await session.execute(
            update(Tries).where(Tries.key == limit.key).values(tried=func.greatest(Tries.tried - 1, 0))
        )


async def forget(session: AsyncSession, limit: Limit) -> None:
    """Its tries begin anew."""
    await session.execute(delete(Tries).where(Tries.key == limit.key))


async def forget_ended(session: AsyncSession, now: datetime) -> None:
    """Delete the counts that are over, but for those in use."""
    ended = select(Tries.key).where(Tries.ends_at <= now).with_for_update(skip_locked=True)
    await session.execute(delete(Tries).where(Tries.key.in_(ended)))


async def count_request(database: Database, limit: Limit, now: datetime) -> None:
    """Count a request that is a try whatever comes of it; raises TooManyTries. Its own transaction, as below."""
    async with database.sessions.begin() as session:
        await count(session, [limit], now)


@asynccontextmanager
async def guess(database: Database, limits: Sequence[Limit], wrong: type[Problem]) -> AsyncIterator[None]:
    """Around one guess: counted, in a transaction of its own, and given back unless it ends in the problem `wrong`.

    Raises TooManyTries when no try is left. Who dies in the middle leaves it counted.
    """
    async with database.sessions.begin() as session:
        await count(session, limits, clock.now())
    try:
        yield
    except wrong:
        raise
    except Exception:
        async with database.sessions.begin() as session:
            await give_back(session, limits)
        raise
    async with database.sessions.begin() as session:
        await give_back(session, limits)


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
