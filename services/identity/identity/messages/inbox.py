"""An account's inbox: what it was told, newest first, and what it has read."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.problems import NotFound
from chassis.reach import Reach
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.notices.models import Message


async def newest(session: AsyncSession, caller: Reach, most: int, before: UUID | None) -> Sequence[Message]:
    """So many of the caller's messages, newest first, or of those before that one."""
    query = select(Message).where(Message.account_id == caller.sub).order_by(Message.id.desc()).limit(most)
    if before:
        query = query.where(Message.id < before)
    return (await session.scalars(query)).all()


async def unread(session: AsyncSession, caller: Reach) -> int:
    count = select(func.count()).where(Message.account_id == caller.sub, Message.read_at.is_(None))
    return await session.scalar(count) or 0


async def read(session: AsyncSession, caller: Reach, message_id: UUID, now: datetime) -> Message:
    """The message, read; when it was first read stays. Raises NotFound for somebody else's."""
    own = select(Message).where(Message.id == message_id, Message.account_id == caller.sub)
    message = await session.scalar(own.with_for_update())
    if message is None:
        raise NotFound
    message.read_at = message.read_at or now
    return message
