"""Parking: messages that came before what they need wait in a table, under its key, and hold no slot of the queue.

A parked message goes back to the service's queue when the key arrives, and by itself now and then: so one that was
parked at the very moment of the arrival, seen by neither side, is a second late and never lost.
"""

from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog
from contracts import Envelope
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm import Session as SyncSession

from chassis import clock
from chassis.problems import NotFound

log = structlog.get_logger()

#: Until the first return by itself; each one doubles it, up to the longest.
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
BATCH = 500


class NotYetKnown(NotFound):
    """A copy that no event has brought yet. A message that needs it is parked; a request is answered 404."""

    def __init__(self, kind: type[DeclarativeBase], key: UUID) -> None:
        super().__init__()
        self.kind, self.key = kind.__tablename__, key


def arrived(session: AsyncSession, kind: type[DeclarativeBase], key: UUID) -> None:
    """What is parked under that key may go on once the session's transaction has committed; keep_copy() says it too."""
    session.info.setdefault("arrived", set()).add((kind.__tablename__, key))


@event.listens_for(SyncSession, "before_commit")
def _make_due(session: SyncSession) -> None:
    keys = sorted(session.info.pop("arrived", ()))
    if not keys:
        return
    due = session.execute(
        text(
            "UPDATE parked SET due_at = :now WHERE event_id IN (SELECT event_id FROM parked WHERE (kind, key) IN"
            " (SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS uuid[]))) ORDER BY event_id FOR UPDATE)"
            " RETURNING event_id"
        ),
        {"now": clock.now(), "kinds": [kind for kind, _ in keys], "keys": [key for _, key in keys]},
    )
    if due.first() is not None:
        session.info["has_published"] = True  # wakes the relay, which returns them


async def park(session: AsyncSession, envelope: Envelope, body: bytes, kind: str, key: UUID) -> None:
    """Keep the message until that key arrives. One that was returned too early stays as old as it was."""
    now = clock.now()
    await session.execute(
        text(
            "INSERT INTO parked AS old (event_id, type, body, kind, key, tries, parked_at, due_at)"
            " VALUES (:id, :type, :body, :kind, :key, 0, :now, :due)"
            " ON CONFLICT (event_id) DO UPDATE SET kind = excluded.kind, key = excluded.key, tries = 0,"
            " due_at = excluded.due_at WHERE (old.kind, old.key) <> (excluded.kind, excluded.key)"
        ),
        {
            "id": envelope.id,
            "type": envelope.type,
            "body": body,
            "kind": kind,
            "key": key,
            "now": now,
            "due": now + FIRST_WAIT,
        },
    )
    log.info("message_parked", type=envelope.type, event_id=str(envelope.id), kind=kind, key=str(key))


async def take_due(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """`type` and `body` of what is to go back to the queue now.

    They stay parked until they are handled, so that one which gets lost on its way is sent again.
    """
    return list(
        await connection.fetch(
            "UPDATE parked SET tries = tries + 1,"
            " due_at = $1 + least(CAST($2 AS interval) * power(2, least(tries + 1, 20)), $3)"
            " WHERE event_id IN (SELECT event_id FROM parked WHERE due_at <= $1 ORDER BY due_at, event_id LIMIT $4"
            " FOR UPDATE SKIP LOCKED) RETURNING type, body",
            clock.now(),
            FIRST_WAIT,
            LONGEST_WAIT,
            BATCH,
        )
    )
