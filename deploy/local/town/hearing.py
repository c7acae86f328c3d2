"""Events brought to who listens by COPY, instead of by the broker: into tables that have nothing of their subjects yet.

Each row is the one that the listener's own handler would keep.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import asyncpg
from chassis.copies import Keep
from chassis.database import copy
from chassis.service import Service
from contracts import EVENTS, Envelope, Event

BATCH = 250


class Listeners:
    """The services, each with a connection to its database."""

    def __init__(self, services: Sequence[Service], connections: Mapping[str, asyncpg.Connection]) -> None:
        self.connections = connections
        self.handlers = {one.name: one.handlers for one in services}

    def whole(self, kind: type[Event]) -> bool:
        """Whether whoever hears that event keeps a copy of it: what follows from that finds nothing yet to be done."""
        return all(isinstance(some[kind], Keep) for some in self.handlers.values() if kind in some)

    async def hear(self, events: Sequence[Event]) -> None:
        """Store the copies of events of such kinds, each subject once."""
        by_kind = defaultdict(list)
        for event in events:
            by_kind[type(event)].append(event)
        await asyncio.gather(*(self._keep(service, by_kind) for service in self.handlers))

    async def _keep(self, service: str, by_kind: Mapping[type[Event], Sequence[Event]]) -> None:
        for kind, events in by_kind.items():
            handler = self.handlers[service].get(kind)
            if isinstance(handler, Keep):
                await copy(self.connections[service], handler.copy.__table__, map(handler.row, events))

    async def take_over(self, service: str) -> None:
        """Bring what waits in that service's outbox, but for what somebody keeps no copy of."""
        kinds = [name for name, kind in EVENTS.items() if self.whole(kind)]
        connection = self.connections[service]
        async for rows in batches(connection, "SELECT body FROM outbox WHERE type = ANY($1) ORDER BY id", kinds):
            told = [Envelope.model_validate_json(row["body"]) for row in rows]
            await self.hear([EVENTS[one.type].model_validate(one.data) for one in told])
        await connection.execute("DELETE FROM outbox WHERE type = ANY($1)", kinds)


async def batches(connection: asyncpg.Connection, query: str, *arguments: Any) -> AsyncIterator[list[asyncpg.Record]]:
    """The rows of a query within a transaction, never more than a batch in memory."""
    cursor = await connection.cursor(query, *arguments)
    while rows := await cursor.fetch(BATCH):
        yield rows
