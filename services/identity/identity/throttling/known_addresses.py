"""Known addresses: from where an account or a client has signed in, so that strangers' guesses never slow it there."""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.throttling.models import KnownAddress
from identity.tokens import derived_key

#: How old what was seen may become before it is written again.
FRESH = timedelta(days=1)


def _digest(secret: bytes, owner_id: UUID, address: str) -> bytes:
    # Keyed: there are so few addresses that a plain digest could be turned back.
    return hmac.digest(derived_key(secret, "known addresses"), f"{owner_id} {address}".encode(), "sha256")


async def knows(session: AsyncSession, secret: bytes, owner_id: UUID | None, address: str) -> bool:
    """Whether they have signed in from there; nobody (none) never has, but is looked up all the same."""
    owner_id = owner_id or UUID(int=0)
    found = select(KnownAddress.owner_id).where(
        KnownAddress.owner_id == owner_id, KnownAddress.digest == _digest(secret, owner_id, address)
    )
    return await session.scalar(found) is not None


async def remember(session: AsyncSession, secret: bytes, owner_id: UUID, address: str, now: datetime) -> None:
    seen = insert(KnownAddress).values(owner_id=owner_id, digest=_digest(secret, owner_id, address), seen_at=now)
    await session.execute(
        seen.on_conflict_do_update(
            index_elements=[KnownAddress.owner_id, KnownAddress.digest],
            set_={"seen_at": now},
            where=KnownAddress.seen_at < now - FRESH,
        )
    )


async def forget(session: AsyncSession, owner_id: UUID) -> None:
    await session.execute(delete(KnownAddress).where(KnownAddress.owner_id == owner_id))
