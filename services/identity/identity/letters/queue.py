"""The print queue: the notices that go by post, the print runs made of them, and that a run was printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis import desk
from chassis.identifiers import new_id
from chassis.problems import NotFound
from chassis.reach import Reach
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.copies import Dossier
from identity.letters.models import PrintRun
from identity.letters.rules import address_lines, recipient
from identity.models import Town
from identity.notices.models import Notice, NoticeStatus

#: Letters of one PDF: what a desk puts into envelopes at a time. The others are in the next one.
MOST = 200


@dataclass(frozen=True)
class Letter:
    """A letter as it is printed; without `address` the dossier has none, and it waits for one."""

    id: UUID
    number: str
    recipient: str
    address: list[str]
    title: str
    paragraphs: list[str]
    link: str | None
    created_at: datetime


async def waiting(session: AsyncSession, most: int, after: UUID | None) -> Sequence[Letter]:
    """So many of the letters to print, or that wait for an address, oldest first, or of those after that one."""
    which = Notice.status == NoticeStatus.TO_PRINT
    return await _letters(session, which & (Notice.id > after) if after else which, most)


async def run(session: AsyncSession, by: Reach, now: datetime) -> tuple[UUID, Sequence[Letter]] | None:
    """A print run of what is to be printed, oldest first; none where there is nothing."""
    addressed = (Notice.status == NoticeStatus.TO_PRINT) & Dossier.address.is_not(None)
    letters = await _letters(session, addressed, MOST)
    if not letters:
        return None
    made = PrintRun(id=new_id(), notice_ids=[one.id for one in letters], made_by=by.sub, made_at=now)
    session.add(made)
    return made.id, letters


async def again(session: AsyncSession, run_id: UUID) -> Sequence[Letter]:
    """The letters of that run, printed or not, in its order. Raises NotFound."""
    made = await session.get(PrintRun, run_id)
    letters = await _letters(session, Notice.id.in_(made.notice_ids), MOST) if made else ()
    # Where a dossier has lost its address since, the PDF would no longer be what was printed.
    if not letters or not all(one.address for one in letters):
        raise NotFound
    return letters


async def printed(session: AsyncSession, run_id: UUID, now: datetime) -> int:
    """That run was printed: how many letters it has. Those of another run that was printed too stay as they are.

    Raises NotFound.
    """
    made = await session.get(PrintRun, run_id)
    if made is None:
        raise NotFound
    desk.note(session, subject_id=run_id)
    due = select(Notice).where(Notice.id.in_(made.notice_ids), Notice.status == NoticeStatus.TO_PRINT)
    for notice in (await session.scalars(due.order_by(Notice.id).with_for_update())).all():
        notice.move(NoticeStatus.PRINTED)
        notice.printed_at = now
    return len(made.notice_ids)


async def town_of(session: AsyncSession) -> Town:
    """Who sends them. Raises NotFound where no town is loaded yet."""
    town = await session.get(Town, True)
    if town is None:
        raise NotFound
    return town


async def _letters(session: AsyncSession, which: ColumnElement[bool], most: int) -> list[Letter]:
    found = await session.execute(
        select(Notice, Dossier)
        .join(Dossier, Dossier.dossier_id == Notice.dossier_id)
        .where(which)
        .order_by(Notice.id)
        .limit(most)
    )
    return [
        Letter(
            id=notice.id,
            number=dossier.number,
            recipient=recipient(
                dossier.guardians, str(notice.guardian_id) if notice.guardian_id else None, dossier.number
            ),
            address=address_lines(dossier.address) if dossier.address else [],
            title=notice.title,
            paragraphs=notice.paragraphs,
            link=notice.link,
            created_at=notice.created_at,
        )
        for notice, dossier in found
    ]
