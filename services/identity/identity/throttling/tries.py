"""Tries counted over ten minutes, per account and address or per address: slowed, never locked by a stranger.

A try is counted before it is heard, and given back unless it was wrong: of many at once, none slips through.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from chassis import clock
from chassis.database import Database
from chassis.problems import Problem
from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.throttling.models import Tries
from identity.tokens import digest

WINDOW = timedelta(minutes=10)


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


async def _give_back(database: Database, limits: Sequence[Limit]) -> None:
    """A try that was counted was none."""
    async with database.sessions.begin() as session:
        for limit in _in_order(limits):
            given_back = update(Tries).where(Tries.key == limit.key)
            await session.execute(given_back.values(tried=func.greatest(Tries.tried - 1, 0)))


async def forget(session: AsyncSession, limit: Limit) -> None:
    """Its tries begin anew."""
    await session.execute(delete(Tries).where(Tries.key == limit.key))


async def count_request(database: Database, limit: Limit) -> None:
    """Count a request that is a try whatever comes of it; raises TooManyTries. Its own transaction, as below."""
    async with database.sessions.begin() as session:
        await count(session, [limit], clock.now())


@asynccontextmanager
async def guess(database: Database, limits: Sequence[Limit], wrong: type[Problem]) -> AsyncIterator[None]:
    """Around one guess: counted, in a transaction of its own, and given back unless it ends in the problem `wrong`.

    Raises TooManyTries when no try is left. Who dies in the middle leaves it counted.
    """
    async with database.sessions.begin() as session:
        await count(session, limits, clock.now())
    try:
        yield
    except Exception as error:
        if not isinstance(error, wrong):
            await _give_back(database, limits)
        raise
    await _give_back(database, limits)
