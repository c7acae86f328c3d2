"""A notice as a mail."""

from datetime import datetime
from email import message_from_bytes
from email.header import Header
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from identity.notices.models import Notice
from identity.settings import Settings

_TEMPLATES = Environment(
    loader=PackageLoader("identity.notices"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class _Folded(EmailPolicy):
    """Folds a long subject so that it is read as it was written.

    Python's own loses the space before a new line: both sides of it are then one word (« étéajoutée »).
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name != "Subject":
            return super().fold_binary(name, value)
        folded = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
        return f"{name}: {folded}{self.linesep}".encode()


_POLICY = _Folded(linesep="\r\n")


def compose(notice: Notice, settings: Settings, town: str, now: datetime) -> Message:
    """The mail, text and HTML. Its Message-ID is the notice's: a mail sent again after a crash is the same one."""
    content = {
        "title": notice.title,
        "paragraphs": notice.paragraphs,
        "link": settings.web_url.rstrip("/") + notice.link if notice.link else None,
        "town": town,
    }
    message = EmailMessage(_POLICY)
    message["Message-ID"] = f"<{notice.id}@{parseaddr(settings.mail_from)[1].rpartition('@')[2]}>"
    message["From"], message["To"] = settings.mail_from, notice.email or settings.desk_email
    message["Subject"] = " ".join(notice.title.split())
    message["Date"] = format_datetime(now)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEMPLATES.get_template("notice.txt").render(content))
    message.add_alternative(_TEMPLATES.get_template("notice.html").render(content), subtype="html")
    return message_from_bytes(message.as_bytes())  # as it is folded here: whoever sends it folds it no more
