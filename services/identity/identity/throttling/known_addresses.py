"""Known addresses: from where an account or a client has signed in, so that strangers' guesses never slow it there."""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from chassis.database import fetch
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from identity.throttling.models import KnownAddress
from identity.tokens import derived_key

#: How old what was seen may become before it is written again.
FRESH = timedelta(days=1)

_KNOWN = "SELECT FROM known_addresses WHERE owner_id = $1 AND digest = $2"
_REMEMBER = """
    INSERT INTO known_addresses (owner_id, digest, seen_at) VALUES ($1, $2, $3)
    ON CONFLICT (owner_id, digest) DO UPDATE SET seen_at = $3 WHERE known_addresses.seen_at < $4
"""


def _digest(secret: bytes, owner_id: UUID, address: str) -> bytes:
    # Keyed: there are so few addresses that a plain digest could be turned back.
    return hmac.digest(derived_key(secret, "known addresses"), f"{owner_id} {address}".encode(), "sha256")


async def knows(session: AsyncSession, secret: bytes, owner_id: UUID | None, address: str) -> bool:
    """Whether they have signed in from there; nobody (none) never has, but is looked up all the same."""
    owner_id = owner_id or UUID(int=0)
    return bool(await fetch(session, _KNOWN, owner_id, _digest(secret, owner_id, address)))


async def remember(session: AsyncSession, secret: bytes, owner_id: UUID, address: str, now: datetime) -> None:
    await fetch(session, _REMEMBER, owner_id, _digest(secret, owner_id, address), now, now - FRESH)


async def forget(session: AsyncSession, owner_id: UUID) -> None:
    await session.execute(delete(KnownAddress).where(KnownAddress.owner_id == owner_id))
