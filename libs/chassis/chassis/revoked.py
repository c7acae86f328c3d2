"""Access that has ended before its tokens do: of a session that is over, of a program that is removed.

Identity tells it, each service keeps it for as long as such a token may live, and each process that answers requests
has all of it in memory: no request asks the database.
"""

from collections.abc import Sequence

from asyncpg import Connection
from contracts.identity import AccessRevoked
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import clock
from chassis.database import fetch
from chassis.inbox import AtOnce
from chassis.schema import KEEP_REVOKED
from chassis.tokens import Verifier

_KEEP = "INSERT INTO revoked (id, revoked_at) SELECT id, $2 FROM unnest($1::uuid[]) AS id ON CONFLICT DO NOTHING"
_KEPT = "SELECT id FROM revoked WHERE revoked_at > $1"


@AtOnce
async def keep_revoked(session: AsyncSession, events: Sequence[AccessRevoked]) -> None:
    """For HANDLERS. The moment is that of hearing: a token made before it is over in time, however late this is."""
    await fetch(session, _KEEP, sorted({event.access_id for event in events}), clock.now())


async def look(verifier: Verifier, connection: Connection) -> None:
    """From now on the verifier takes no token of what was revoked."""
    rows = await fetch(connection, _KEPT, clock.now() - KEEP_REVOKED)
    verifier.revoked = frozenset(one for (one,) in rows)
