"""Lanes: guesses at one login by strangers, addresses that never signed in to it, are answered one at a time.

Once many were wrong they are also kept apart, so that any number of addresses together guesses no faster than one. Who
has guessed least goes first: a stranger who goes on and on holds up none but themselves. All of it is in PostgreSQL,
for any number of processes, and nobody keeps a connection while they wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.problems import Problem
from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.throttling.models import GONE, Lane, Ticket, Tries
from identity.throttling.rules import apart_s
from identity.throttling.tries import WINDOW, Limit, TooManyTries, count
from identity.tokens import digest

#: Nobody waits longer, or behind more.
LONGEST_WAIT = timedelta(seconds=20)
LONGEST_QUEUE = 20
ASK_AGAIN_S, ASK_AT_LEAST_EVERY_S = 0.05, 1.0
#: After so long without a word a process that answers is taken for dead.
LEASE = timedelta(seconds=10)


@dataclass(frozen=True)
class Stranger:
    """One guess at what a login means (`login`: its key), from a network; `longest_s`: how far apart they are kept."""

    login: str
    network: str
    longest_s: float
    id: UUID = field(default_factory=new_id)

    @property
    def lane(self) -> bytes:
        return digest(f"lane {self.login}")

    @property
    def tried(self) -> Limit:
        """The network's wrong guesses at this login: counted, never refused, they decide who goes first."""
        return Limit(f"lane {self.login} {self.network}", 2**31 - 1)


@asynccontextmanager
async def turn(database: Database, stranger: Stranger, wrong: type[Problem]) -> AsyncIterator[None]:
    """Around one guess, `wrong` if it ends in that problem: waits for its turn. Raises TooManyTries, unheard."""
    await _wait(database, stranger)
    try:
        yield
    except Exception as error:
        await _answered(database, stranger, wrong=isinstance(error, wrong))
        raise
    await _answered(database, stranger, wrong=False)


async def _wait(database: Database, stranger: Stranger) -> None:
    arrived, rank = clock.now(), None
    while True:
        async with database.sessions.begin() as session:
            rank = await _rank(session, stranger, arrived) if rank is None else rank
            wait_s = await _ask(session, stranger, rank, arrived)
        if wait_s is None:
            return
        if isinstance(wait_s, TooManyTries):
            raise wait_s
        await asyncio.sleep(wait_s)


async def _rank(session: AsyncSession, stranger: Stranger, now: datetime) -> int:
    """How often its network has guessed wrong here, or waits to guess."""
    tried = select(Tries.tried).where(Tries.key == stranger.tried.key, Tries.ends_at > now)
    waiting = select(func.count()).where(
        Ticket.lane == stranger.lane, Ticket.network == digest(stranger.network), Ticket.seen_at > now - GONE
    )
    return (await session.scalar(tried) or 0) + (await session.scalar(waiting) or 0)


async def _ask(session: AsyncSession, stranger: Stranger, rank: int, arrived: datetime) -> float | TooManyTries | None:
    """None: it is its turn. Else the seconds after which to ask again, or that it waits no longer."""
    lane, now = await _locked(session, stranger), clock.now()
    ahead = await session.scalar(
        select(func.count()).where(
            Ticket.lane == stranger.lane,
            Ticket.seen_at > now - GONE,
            tuple_(Ticket.rank, Ticket.id) < tuple_(rank, stranger.id),
        )
    )
    apart = apart_s(lane.wrong, stranger.longest_s)
    wait_s = max(0.0, (lane.next_at - now).total_seconds()) + (ahead or 0) * apart
    ours = not ahead and wait_s == 0 and lane.busy_until <= now
    too_long = timedelta(seconds=wait_s) > LONGEST_WAIT or now - arrived > LONGEST_WAIT
    if ours or too_long or (ahead or 0) >= LONGEST_QUEUE:
        await session.execute(delete(Ticket).where(Ticket.id == stranger.id))
        if ours:
            lane.busy_until = now + LEASE
            return None
        return TooManyTries(
            "Beaucoup d'essais de connexion à ce compte arrivent en ce moment d'adresses inconnues :"
            " réessayez dans quelques instants, ou depuis un lieu où vous vous êtes déjà connecté.",
            retry_after_s=max(1, ceil(apart)),
        )
    ticket = insert(Ticket).values(
        id=stranger.id, lane=stranger.lane, network=digest(stranger.network), rank=rank, seen_at=now
    )
    await session.execute(ticket.on_conflict_do_update(index_elements=[Ticket.id], set_={"seen_at": now}))
    return min(ASK_AT_LEAST_EVERY_S, max(wait_s, ASK_AGAIN_S * ((ahead or 0) + 1)))


async def _locked(session: AsyncSession, stranger: Stranger) -> Lane:
    """The login's lane, locked; a new one where there is none, or where nobody has been wrong for ten minutes."""
    now = clock.now()
    opened = insert(Lane).values(key=stranger.lane, wrong=0, next_at=now, busy_until=now, ends_at=now + WINDOW)
    await session.execute(opened.on_conflict_do_nothing())
    lane = await session.scalar(select(Lane).where(Lane.key == stranger.lane).with_for_update())
    if lane is None:  # forgotten between the two
        return await _locked(session, stranger)
    if lane.ends_at <= now:
        lane.wrong, lane.ends_at = 0, now + WINDOW
    return lane


async def _answered(database: Database, stranger: Stranger, *, wrong: bool) -> None:
    async with database.sessions.begin() as session:
        if wrong:
            await count(session, [stranger.tried], clock.now())
        lane, now = await _locked(session, stranger), clock.now()
        lane.busy_until = now
        if wrong:
            lane.wrong += 1
            lane.ends_at = now + WINDOW
            lane.next_at = now + timedelta(seconds=apart_s(lane.wrong, stranger.longest_s))
