"""Writing: a notice for each who gets the message that the service that knows has worded."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis import clock
from chassis.identifiers import new_id
from chassis.inbox import Together
from contracts.notices import NoticeWritten
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Account, AccountStatus
from identity.notices.models import Notice, NoticeStatus


async def write(
    session: AsyncSession,
    *,
    notice_id: UUID,
    title: str,
    paragraphs: Sequence[str],
    link: str | None,
    now: datetime,
    email: str | None = None,
    to_desk: bool = False,
    account_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> None:
    """One recipient's notice, once; without an address it is to print. `link` is a path of the web application."""
    row = insert(Notice).values(
        id=new_id(),
        version=1,
        notice_id=notice_id,
        status=NoticeStatus.TO_SEND if email or to_desk else NoticeStatus.TO_PRINT,
        account_id=account_id,
        dossier_id=dossier_id,
        to_desk=to_desk,
        email=email,
        title=title,
        paragraphs=list(paragraphs),
        link=link,
        attempts=0,
        next_at=now,
        created_at=now,
    )
    await session.execute(row.on_conflict_do_nothing())


@Together
async def keep_notice(session: AsyncSession, event: NoticeWritten) -> None:
    """A notice for each address that reads it: a dossier's are its active accounts', a couple's shared one once."""
    emails: list[str | None] = []
    if not event.desk:
        whose = Account.dossier_id == event.dossier_id if event.dossier_id else Account.id == event.account_id
        found = await session.execute(
            select(Account.email_key, Account.email)
            .where(whose, Account.status == AccountStatus.ACTIVE)
            .order_by(Account.created_at)
        )
        emails = list({row.email_key: row.email for row in found}.values())
    for email in emails or [None]:
        await write(
            session,
            notice_id=event.notice_id,
            title=event.title,
            paragraphs=event.paragraphs,
            link=event.link,
            now=clock.now(),
            email=email,
            to_desk=event.desk,
            account_id=event.account_id,
            dossier_id=event.dossier_id,
        )
