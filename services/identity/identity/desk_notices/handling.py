"""The desk's notices: those that wait, those that are dealt with, and that one is."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis import desk
from chassis.problems import NotFound
from chassis.reach import Reach
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.notices.models import DeskNotice


async def oldest(session: AsyncSession, *, done: bool, most: int, after: UUID | None) -> Sequence[DeskNotice]:
    """So many of those that wait, or are dealt with, the first told first, or of those after that one."""
    which = DeskNotice.done_at.is_not(None) if done else DeskNotice.done_at.is_(None)
    query = select(DeskNotice).where(which).order_by(DeskNotice.id).limit(most)
    return (await session.scalars(query.where(DeskNotice.id > after) if after else query)).all()


async def read(session: AsyncSession, notice_id: UUID, *, locked: bool = False) -> DeskNotice:
    """Raises NotFound."""
    notice = await session.get(DeskNotice, notice_id, with_for_update=locked)
    if notice is None:
        raise NotFound
    return notice


async def deal_with(session: AsyncSession, notice_id: UUID, by: Reach, now: datetime) -> DeskNotice:
    """It is dealt with: by who said so first. Raises NotFound."""
    notice = await read(session, notice_id, locked=True)
    if notice.done_at is None:
        notice.done_at, notice.done_by, notice.done_by_name = now, by.sub, by.name
    desk.note(session, dossier_id=notice.dossier_id)
    return notice
