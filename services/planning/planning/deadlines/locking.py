"""The lock of what the town works by: its calendar, and the deadlines and places of its activities.

Whoever changes reserved days shares it, before anything else is locked or read; whoever edits takes it alone.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_KEY = 7_020_001

#: Within a statement: what it reads may be older, the next one's is not.
SHARED = f"pg_advisory_xact_lock_shared({_KEY})"


async def alone(session: AsyncSession) -> None:
    """Nobody changes reserved days until the transaction ends."""
    await session.execute(text(f"SELECT pg_advisory_xact_lock({_KEY})"))
