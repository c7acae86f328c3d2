"""Tries counted over ten minutes, per account and address or per address: slowed, never locked by a stranger.

A try is counted before it is heard, and given back unless it was wrong: of many at once, none slips through.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from chassis import clock
from chassis.database import Database, fetch
from chassis.problems import Problem
from sqlalchemy.ext.asyncio import AsyncSession

from identity.tokens import digest

WINDOW = timedelta(minutes=10)

_RUNNING = "SELECT key, tried, ends_at FROM tries WHERE key = ANY($1) AND ends_at > $2"
# Keys are locked in one order, here and below, so that two requests never wait in a ring.
_COUNT = """
    INSERT INTO tries (key, tried, ends_at)
    SELECT key, 1, ends_at FROM unnest($1::bytea[], $2::timestamptz[]) AS asked (key, ends_at) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
        tried = CASE WHEN tries.ends_at > $3 THEN tries.tried + 1 ELSE 1 END,
        ends_at = CASE WHEN tries.ends_at > $3 THEN tries.ends_at ELSE excluded.ends_at END
    RETURNING key, tried, ends_at
"""
_GIVE_BACK = """
    WITH locked AS (SELECT key FROM tries WHERE key = ANY($1::bytea[]) ORDER BY key FOR UPDATE)
    UPDATE tries SET tried = CASE WHEN tries.key = $2 THEN 0 ELSE greatest(tried - 1, 0) END
    FROM locked WHERE tries.key = locked.key
"""


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
    for key, tried, ends_at in await fetch(session, _RUNNING, list(allowed), now):
        if tried >= allowed[key]:
            raise _refusal(ends_at, now)


async def count(session: AsyncSession, limits: Sequence[Limit], now: datetime) -> None:
    """Count one try; raises TooManyTries when it is one too many, and then the transaction must not be committed."""
    allowed = {limit.key: limit.tries for limit in limits}
    ends = [now + limit.window for limit in limits]
    for key, tried, ends_at in await fetch(session, _COUNT, list(allowed), ends, now):
        if tried > allowed[key]:
            raise _refusal(ends_at, now)


async def is_spent(session: AsyncSession, limits: Sequence[Limit], now: datetime) -> bool:
    """Whether a try is one too many; otherwise it is counted."""
    try:
        async with session.begin_nested():
            await count(session, limits, now)
    except TooManyTries:
        return True
    return False


async def give_back(session: AsyncSession, limits: Sequence[Limit], anew: Limit | None = None) -> None:
    """A try that was counted was none; the tries of one of them begin `anew`."""
    await fetch(session, _GIVE_BACK, [limit.key for limit in limits], anew and anew.key)


async def count_request(database: Database, limit: Limit) -> None:
    """Count a request that is a try whatever comes of it; raises TooManyTries. Its own transaction, as below."""
    async with database.sessions.begin() as session:
        await count(session, [limit], clock.now())


@dataclass
class Counted:
    """A guess that was counted; `settled`: given back with what came of it."""

    limits: Sequence[Limit]
    settled: bool = False


@asynccontextmanager
async def guess(database: Database, limits: Sequence[Limit], wrong: type[Problem]) -> AsyncIterator[Counted]:
    """Around one guess: counted, in a transaction of its own, and given back unless it ends in the problem `wrong`.

    Raises TooManyTries when no try is left. Who dies in the middle leaves it counted.
    """
    counted = Counted(limits)
    async with database.sessions.begin() as session:
        await count(session, limits, clock.now())
    try:
        yield counted
    except Exception as error:
        if not isinstance(error, wrong):
            await _give_back(database, limits)
        raise
    if not counted.settled:
        await _give_back(database, limits)


async def _give_back(database: Database, limits: Sequence[Limit]) -> None:
    async with database.sessions.begin() as session:
        await give_back(session, limits)
