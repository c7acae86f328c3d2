"""Writing: a notice for each who gets the message that the service that knows has worded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.identifiers import new_id
from chassis.inbox import Together
from chassis.parking import NotYetKnown
from contracts.notices import NoticeWritten
from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.copies import Dossier
from identity.models import Account, AccountStatus
from identity.names import email_key
from identity.notices.models import DeskNotice, Message, Notice, NoticeStatus, UnwantedMail
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
    guardian_id: UUID | None = None,
) -> None:
    """One recipient's notice, once; `link` is a path of the web application.

    Without an email it is a letter to that dossier: to all its guardians, unless to that one.
    """
    row = insert(Notice).values(
        id=new_id(),
        version=1,
        notice_id=notice_id,
        status=NoticeStatus.TO_SEND if email or to_desk else NoticeStatus.TO_PRINT,
        account_id=account_id,
        dossier_id=dossier_id,
        guardian_id=guardian_id,
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
    """A message for each account that it is for, and a notice for each address: a couple's shared one gets one mail.

    An account that wants no mail of the kind has its message alone. A dossier's guardians without an account are mailed
    where the dossier knows how; where nobody is reached so, it is a letter. Raises NotYetKnown.
    """
    now, emails = clock.now(), dict[str, str | None]()
    readers = [] if event.desk else await _readers(session, event)
    for one in readers:
        await _keep_message(session, one.id, event.notice_id, event.title, event.paragraphs, event.link, now)
        if one.wants:
            emails[one.email_key] = one.email
    if event.desk:
        await _keep_for_desk(session, event, now)
    elif event.dossier_id:
        emails |= await _without_account(session, event.dossier_id, readers)
    if event.desk or (event.dossier_id and not readers and not emails):
        emails[""] = None
    for email in emails.values():
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
            dossier_id=None if event.desk else event.dossier_id,
        )


async def _keep_for_desk(session: AsyncSession, event: NoticeWritten, now: datetime) -> None:
    row = insert(DeskNotice).values(
        id=event.notice_id,
        dossier_id=event.dossier_id,
        title=event.title,
        paragraphs=list(event.paragraphs),
        created_at=now,
    )
    await session.execute(row.on_conflict_do_nothing())


async def _without_account(session: AsyncSession, dossier_id: UUID, readers: Sequence[Any]) -> dict[str, str]:
    """The emails of the dossier's other guardians, by their keys. Raises NotYetKnown where nobody is known yet."""
    dossier = await session.get(Dossier, dossier_id)
    if dossier is None and not readers:
        raise NotYetKnown(Dossier, dossier_id)
    reached = {str(one.guardian_id) for one in readers}, {one.email_key for one in readers}
    others = [one["email"] for one in dossier.guardians if one["guardian_id"] not in reached[0]] if dossier else []
    return {email_key(email): email for email in others if email and email_key(email) not in reached[1]}


async def _readers(session: AsyncSession, event: NoticeWritten) -> Sequence[Any]:
    """The active accounts that it is for: `id`, `guardian_id`, `email`, `email_key`; whether each `wants` the mail."""
    whose = Account.dossier_id == event.dossier_id if event.dossier_id else Account.id == event.account_id
    unwanted = exists().where(UnwantedMail.account_id == Account.id, UnwantedMail.category == category(event.type))
    found = await session.execute(
        select(Account.id, Account.guardian_id, Account.email, Account.email_key, (~unwanted).label("wants"))
        .where(whose, Account.status == AccountStatus.ACTIVE)
        .order_by(Account.created_at)
    )
    return found.all()
