"""Tries counted over ten minutes, per account and address or per address: slowed, never locked by a stranger."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from math import ceil

from chassis.database import Database
from chassis.problems import Problem
from sqlalchemy import case, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Tries
from identity.tokens import digest

WINDOW = timedelta(minutes=10)


class TooManyTries(Problem):
    type = "urn:problem:identity:too-many-tries"
    status = 429
    title = "Trop d'essais"


@dataclass(frozen=True)
class Limit:
    """At most `tries` in ten minutes of what `on` names (an address, an account and an address...)."""

    on: str
    tries: int

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


async def count(session: AsyncSession, limits: Sequence[Limit], now: datetime) -> TooManyTries | None:
    """Count one try; what it is answered with when it was one too many."""
    refusal = None
    for limit in sorted(limits, key=lambda limit: limit.key):  # one order, so that two requests never wait in a ring
        running = Tries.ends_at > now
        counted = insert(Tries).values(key=limit.key, tried=1, ends_at=now + WINDOW)
        counted = counted.on_conflict_do_update(
            index_elements=[Tries.key],
            set_={
                "tried": case((running, Tries.tried + 1), else_=1),
                "ends_at": case((running, Tries.ends_at), else_=now + WINDOW),
            },
        )
        row = (await session.execute(counted.returning(Tries.tried, Tries.ends_at))).one()
        if row.tried > limit.tries:
            refusal = _refusal(row.ends_at, now)
    return refusal


async def forget(session: AsyncSession, limit: Limit) -> None:
    """Its tries begin anew."""
    await session.execute(delete(Tries).where(Tries.key == limit.key))


async def forget_ended(session: AsyncSession, now: datetime) -> None:
    """Delete the counts whose ten minutes are over."""
    await session.execute(delete(Tries).where(Tries.ends_at <= now))


async def count_request(database: Database, limit: Limit, now: datetime) -> None:
    """Count a request that is a try whatever comes of it; raises TooManyTries. Its own transaction, as below."""
    async with database.sessions.begin() as session:
        spent = await count(session, [limit], now)
    if spent:
        raise spent


@asynccontextmanager
async def guess(
    database: Database, limits: Sequence[Limit], wrong: type[Problem], now: datetime
) -> AsyncIterator[None]:
    """Around one guess: refused at once when no try is left, and counted when it ends in the problem `wrong`.

    Counted in a transaction of its own, since the refused request's is rolled back. Of many guesses sent at once, no
    more than the limit learn whether they were wrong.
    """
    async with database.sessions.begin() as session:
        await refuse_spent(session, limits, now)
    try:
        yield
    except wrong as refused:
        async with database.sessions.begin() as session:
            spent = await count(session, limits, now)
        raise (spent or refused) from None
