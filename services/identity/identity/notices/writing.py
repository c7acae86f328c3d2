"""Writing: a notice for each who gets the message that the service that knows has worded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.identifiers import new_id
from chassis.inbox import Together
from contracts.notices import NoticeWritten
from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Account, AccountStatus
from identity.notices.models import Message, Notice, NoticeStatus, UnwantedMail
from identity.notices.rules import category


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


async def tell(
    session: AsyncSession, account: Account, title: str, paragraphs: Sequence[str], link: str, now: datetime
) -> None:
    """What concerns the security of an account: a mail, and a message. `link` holds no secret: messages are kept."""
    notice_id, words = new_id(), [f"Bonjour {account.first_name} {account.last_name},", *paragraphs]
    await write(
        session,
        notice_id=notice_id,
        account_id=account.id,
        email=account.email,
        title=title,
        paragraphs=words,
        link=link,
        now=now,
    )
    await _keep_message(session, account.id, notice_id, title, words, link, now)


async def _keep_message(
    session: AsyncSession,
    account_id: UUID,
    notice_id: UUID,
    title: str,
    paragraphs: Sequence[str],
    link: str | None,
    now: datetime,
) -> None:
    row = insert(Message).values(
        id=new_id(),
        account_id=account_id,
        notice_id=notice_id,
        title=title,
        paragraphs=list(paragraphs),
        link=link,
        created_at=now,
    )
    await session.execute(row.on_conflict_do_nothing())


@Together
async def keep_notice(session: AsyncSession, event: NoticeWritten) -> None:
    """A message for each account that it is for: a dossier's are its guardians'; and a notice for each address.

    A couple's shared address gets one mail; an account that wants none of the kind, its message alone.
    """
    now, readers = clock.now(), [] if event.desk else await _readers(session, event)
    for one in readers:
        await _keep_message(session, one.id, event.notice_id, event.title, event.paragraphs, event.link, now)
    emails = {one.email_key: one.email for one in readers if one.wants}
    for email in emails.values() if readers else [None]:
        await write(
            session,
            notice_id=event.notice_id,
            title=event.title,
            paragraphs=event.paragraphs,
            link=event.link,
            now=now,
            email=email,
            to_desk=event.desk,
            account_id=event.account_id,
            dossier_id=event.dossier_id,
        )


async def _readers(session: AsyncSession, event: NoticeWritten) -> Sequence[Any]:
    """The active accounts that it is for: `id`, `email`, `email_key`, and whether each `wants` such a mail."""
    whose = Account.dossier_id == event.dossier_id if event.dossier_id else Account.id == event.account_id
    unwanted = exists().where(UnwantedMail.account_id == Account.id, UnwantedMail.category == category(event.type))
    found = await session.execute(
        select(Account.id, Account.email, Account.email_key, (~unwanted).label("wants"))
        .where(whose, Account.status == AccountStatus.ACTIVE)
        .order_by(Account.created_at)
    )
    return found.all()
