"""Delivery: notices by mail, one after the other, and what becomes of one that no server takes."""

import asyncio
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit
from uuid import UUID

import structlog
from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.copies import Dossier
from identity.models import Account, Town
from identity.notices.mail import compose
from identity.notices.models import Notice, NoticeStatus
from identity.notices.writing import write
from identity.settings import Settings

log = structlog.get_logger()

BATCH = 50
#: Each command's, then the whole mail's limit; and how long a mail belongs to the worker that sends it.
SMTP_TIMEOUT_S, SENDING_S = 10.0, 60.0
LEASE = timedelta(seconds=120)
FIRST_DELAY_S, LONGEST_DELAY_S = 2, 900
#: What no mail server took for so long goes by post.
GIVE_UP = timedelta(hours=72)


async def deliver(database: Database, settings: Settings) -> None:
    """Send what is due; stops at the first trouble with the server, until the next turn.

    Each mail is taken for as long as sending may last, and no transaction is open while SMTP talks.
    """
    smtp = _server(settings.smtp_url)
    try:
        for _ in range(BATCH):
            async with database.sessions.begin() as session:
                notice = await _take(session, clock.now())
                town = await session.get(Town, True)
            if notice is None:
                return
            error = await _send(smtp, settings, notice, town.name if town else "votre commune")
            async with database.sessions.begin() as session:
                await _settle(session, notice.id, error, clock.now())
            if error and not _refused(error):
                return
    finally:
        if smtp.is_connected:
            smtp.close()


async def _take(session: AsyncSession, now: datetime) -> Notice | None:
    """The notice most overdue; should this process die, it is due again when the lease is over."""
    due = select(Notice).where(Notice.status == NoticeStatus.TO_SEND, Notice.next_at <= now).order_by(Notice.next_at)
    notice = await session.scalar(due.limit(1).with_for_update(skip_locked=True))
    if notice:
        notice.next_at = now + LEASE
    return notice


async def _send(smtp: SMTP, settings: Settings, notice: Notice, town: str) -> Exception | None:
    """Why the mail did not leave; none if it did."""
    try:
        message = compose(notice, settings, town, clock.now())
        async with asyncio.timeout(SENDING_S):
            if not smtp.is_connected:
                await smtp.connect()
            await smtp.send_message(message)
    except (SMTPException, OSError, ValueError) as error:
        log.warning("notice_not_sent", notice_id=str(notice.id), error=type(error).__name__, code=_code(error))
        return error
    return None


def _refused(error: Exception) -> bool:
    """Whether this mail or its address is refused for good, and not the server in trouble, or at odds with us.

    5.7.x says that we may not (RFC 3463): our sign-in, our address, relaying. That is set right, and then it goes.
    """
    if isinstance(error, SMTPRecipientsRefused):
        return all(map(_refused, error.recipients))
    if isinstance(error, SMTPRecipientRefused | SMTPDataError):
        return error.code >= 500 and not error.message.startswith("5.7.")
    return isinstance(error, ValueError)  # it cannot even be written


def _code(error: Exception) -> int | None:
    """What the server answered, without its words, which may hold the address."""
    if isinstance(error, SMTPRecipientsRefused):
        return error.recipients[0].code
    return error.code if isinstance(error, SMTPResponseException) else None


async def _settle(session: AsyncSession, notice_id: UUID, error: Exception | None, now: datetime) -> None:
    """What becomes of a notice after a try: sent, put off twice as long, or given up."""
    notice = await session.get(Notice, notice_id, with_for_update=True)
    if notice is None or notice.status != NoticeStatus.TO_SEND:
        return  # purged; or another worker, after our lease, was faster
    # Where the desk cannot be reached a setting of ours is wrong: it is put right, and then the desk knows.
    refused = error is not None and _refused(error) and not notice.to_desk
    if error is None:
        notice.move(NoticeStatus.SENT)
        notice.paragraphs, notice.link = [], None
    elif refused or now - notice.created_at > GIVE_UP:
        await _give_up(session, notice, now)
    else:
        wait_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(notice.attempts, 20))
        notice.next_at = now + timedelta(seconds=wait_s)
        notice.attempts += 1


async def _give_up(session: AsyncSession, notice: Notice, now: datetime) -> None:
    """A letter instead, where the post would bring one; the desk is told either way.

    Never of what has a link's secret: the desk would read it, and it is over before the letter arrives.
    """
    account = await session.get(Account, notice.account_id) if notice.account_id else None
    dossier = await session.get(Dossier, notice.dossier_id or (account and account.dossier_id) or UUID(int=0))
    if dossier and not notice.has_secret:
        notice.move(NoticeStatus.TO_PRINT)
        notice.dossier_id, notice.guardian_id = dossier.dossier_id, account.guardian_id if account else None
        instead = "Une lettre est à imprimer à sa place."
    else:
        notice.move(NoticeStatus.UNDELIVERABLE)
        notice.paragraphs, notice.link = [], None
        instead = "Aucune lettre ne peut le remplacer : prévenez son destinataire autrement."
    if notice.to_desk:
        return
    await write(
        session,
        notice_id=new_id(),
        title="Un courriel est refusé",
        paragraphs=[
            f"Le courriel « {notice.title} » n'a pas pu être remis à l'adresse {notice.email}"
            + (f" (dossier {dossier.number})." if dossier else "."),
            f"{instead} Vérifiez cette adresse auprès de la famille, puis corrigez-la.",
        ],
        link=None,
        to_desk=True,
        now=now,
    )


def _server(url: str) -> SMTP:
    parts = urlsplit(url)
    return SMTP(
        hostname=parts.hostname,
        port=parts.port,
        username=parts.username and unquote(parts.username),
        password=parts.password and unquote(parts.password),
        use_tls=parts.scheme == "smtps",
        timeout=SMTP_TIMEOUT_S,
    )
