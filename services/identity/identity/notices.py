"""Notices: who gets a message worded by the service that knows, and its delivery by mail or by letter."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit
from uuid import UUID

import structlog
from aiosmtplib import SMTP, SMTPException, SMTPResponseException
from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from contracts.notices import NoticeWritten
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Account, AccountStatus, Notice, NoticeStatus, Town, move
from identity.settings import Settings

log = structlog.get_logger()

BATCH = 50
SMTP_TIMEOUT_S = 10.0
FIRST_DELAY_S, LONGEST_DELAY_S = 2, 900
#: What no mail server took for so long goes by post.
GIVE_UP = timedelta(hours=72)

_TEMPLATES = Environment(
    loader=PackageLoader("identity"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


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


async def deliver(database: Database, settings: Settings) -> None:
    """Send what is due, each mail in a transaction of its own; stops at the first trouble, until the next turn."""
    smtp = _server(settings.smtp_url)
    try:
        for _ in range(BATCH):
            async with database.sessions.begin() as session:
                notice = await _next_due(session, clock.now())
                if notice is None or not await _send(session, smtp, settings, notice):
                    return
    finally:
        if smtp.is_connected:
            smtp.close()


async def _next_due(session: AsyncSession, now: datetime) -> Notice | None:
    due = select(Notice).where(Notice.status == NoticeStatus.TO_SEND, Notice.next_at <= now).order_by(Notice.next_at)
    return await session.scalar(due.limit(1).with_for_update(skip_locked=True))


async def _send(session: AsyncSession, smtp: SMTP, settings: Settings, notice: Notice) -> bool:
    """Whether the mail left; if not, it is put off, or given up for a letter."""
    town = await session.get(Town, True)
    try:
        message = compose(notice, settings, town.name if town else "votre commune", clock.now())
        if not smtp.is_connected:
            await smtp.connect()
        await smtp.send_message(message)
    except (SMTPException, OSError, ValueError) as error:
        log.warning("notice_not_sent", notice_id=str(notice.id), error=repr(error))
        _put_off(notice, error, clock.now())
        return False
    move(notice, NoticeStatus.SENT)
    notice.paragraphs, notice.link = [], None
    return True


def _put_off(notice: Notice, error: Exception, now: datetime) -> None:
    refused_for_good = isinstance(error, ValueError) or (isinstance(error, SMTPResponseException) and error.code >= 500)
    if refused_for_good or now - notice.created_at > GIVE_UP:
        move(notice, NoticeStatus.TO_PRINT)
        return
    notice.next_at = now + timedelta(seconds=min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(notice.attempts, 20)))
    notice.attempts += 1


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


def compose(notice: Notice, settings: Settings, town: str, now: datetime) -> EmailMessage:
    """The mail, text and HTML. Its Message-ID is the notice's: a mail sent again after a crash is the same one."""
    content = {
        "title": notice.title,
        "paragraphs": notice.paragraphs,
        "link": settings.web_url.rstrip("/") + notice.link if notice.link else None,
        "town": town,
    }
    message = EmailMessage()
    message["Message-ID"] = f"<{notice.id}@{parseaddr(settings.mail_from)[1].rpartition('@')[2]}>"
    message["From"], message["To"] = settings.mail_from, notice.email or settings.desk_email
    message["Subject"] = " ".join(notice.title.split())
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEMPLATES.get_template("notice.txt").render(content))
    message.add_alternative(_TEMPLATES.get_template("notice.html").render(content), subtype="html")
    return message
