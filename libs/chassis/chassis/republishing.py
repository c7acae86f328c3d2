"""`python -m <service> republish`: of everything that others keep copies of, what is true now is told once more.

For a service that is new, or that lost what it had heard: whoever knows it already does nothing, since each thing is
told with the version that it has. What is told so makes nobody write to a family (chassis.outbox), and leaves behind
all that is new.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from contracts import Event
from sqlalchemy import Column, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from chassis import progress
from chassis.database import Database
from chassis.outbox import publish
from chassis.service import Command

#: Told in one transaction.
BATCH = 200


#: `events(session, named)` says what is now true of some: a value names each, a tuple where there are several columns.
#: It reads versions first: what changes meanwhile is told by its own event.
Events = Callable[[AsyncSession, Sequence[Any]], Awaitable[Iterable[Event]]]
Named = InstrumentedAttribute[Any] | Column[Any]


@dataclass(frozen=True)
class Kept:
    """What others keep copies of, each named by these columns."""

    events: Events
    columns: tuple[Named, ...]

    async def count(self, session: AsyncSession) -> int:
        return await session.scalar(select(func.count()).select_from(select(*self.columns).distinct().subquery())) or 0

    async def tell(self, database: Database) -> AsyncIterator[int]:
        """Tell of all, a transaction a batch; how many were in each."""
        found: Sequence[Any] = ()
        while not found or len(found) == BATCH:
            query = select(*self.columns).distinct().order_by(*self.columns).limit(BATCH)
            if found:
                query = query.where(tuple_(*self.columns) > tuple_(*found[-1]))
            async with database.sessions.begin() as session:
                found = (await session.execute(query)).all()
                named = [tuple(one) if len(self.columns) > 1 else one[0] for one in found]
                await publish(session, *(await self.events(session, named)), again=True)
            if not found:
                return
            yield len(found)


def kept(events: Events, *columns: Named) -> Kept:
    return Kept(events, columns)


def republishing(*things: Kept) -> Command:
    """The command that tells all of these, in that order."""

    async def republish(database: Database, _: object) -> str:
        async with database.sessions() as session:
            there_are = sum([await one.count(session) for one in things])
        told = 0
        for one in things:
            async for more in one.tell(database):
                told += more
                progress.show(told, there_are)
        return f"Told again: {told}. The worker brings it to the others."

    return Command("republish", "tell again all that others keep copies of, for one that is new or restored", republish)
