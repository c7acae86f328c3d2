"""The mail stand-in: takes every message by SMTP, delivers none, and gives them to read."""

from dataclasses import asdict, dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from chassis import clock
from french.wording import moment

from .pages import page, with_links


@dataclass(frozen=True)
class Mail:
    """What one recipient got; `text` and `html` are the two alternatives, empty where there is none."""

    to: str
    subject: str
    text: str
    html: str
    received_at: datetime


def alternative(message: EmailMessage, kind: str) -> str:
    """The body of that kind, `plain` or `html`, with the line ends of Unix."""
    body = message.get_body((kind,))
    return str(body.get_content()).replace("\r\n", "\n") if body else ""


class Mailbox:
    """The mails received, newest first."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's)
        """Keep the message that a client has just sent, once for each recipient."""
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        text, html = alternative(message, "plain"), alternative(message, "html")
        for recipient in envelope.rcpt_tos:
            self.mails.insert(0, Mail(recipient, str(message["Subject"] or ""), text, html, clock.now()))
        return "250 OK"

    def application(self) -> web.Application:
        """The mails over HTTP: JSON for tests, a page for people."""
        application = web.Application()
        application.add_routes([web.get("/messages", self.messages), web.get("/", self.reader)])
        return application

    async def messages(self, request: web.Request) -> web.Response:
        """Every mail, or those to the address `?to=`, whatever its case."""
        to = request.query.get("to", "").casefold()
        return web.json_response(
            [
                {**asdict(mail), "received_at": mail.received_at.isoformat()}
                for mail in self.mails
                if not to or mail.to.casefold() == to
            ]
        )

    async def reader(self, _request: web.Request) -> web.Response:
        """The page: each mail's text, or the source of one that has only HTML."""
        articles = "".join(
            f"<article><h2>{escape(mail.subject) or '(sans objet)'}</h2>"
            f"<p>À {escape(mail.to)}, {moment(mail.received_at)}</p>"
            f"<pre>{with_links(mail.text or mail.html)}</pre></article>"
            for mail in self.mails
        )
        content = articles or "<p>Aucun courriel reçu pour le moment.</p>"
        return web.Response(text=page("Courriels reçus", content), content_type="text/html")
