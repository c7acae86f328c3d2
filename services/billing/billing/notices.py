"""The messages to families and to the desk, in formal French; each room words its own."""

from datetime import datetime
from uuid import UUID

from chassis.identifiers import new_id
from contracts.billing import NoticeWritten
from french.wording import day, hour


def until(end: datetime, today: datetime) -> str:
    """« 14 h 05 », or « 9 h 00, le mercredi 3 mars 2027 » where that is another day than today."""
    return hour(end) if day(end) == day(today) else f"{hour(end)}, le {day(end)}"


def to_family(dossier_id: UUID, title: str, *paragraphs: str, link: str) -> NoticeWritten:
    return NoticeWritten(notice_id=new_id(), dossier_id=dossier_id, title=title, paragraphs=paragraphs, link=link)


def to_desk(dossier_id: UUID, title: str, *paragraphs: str) -> NoticeWritten:
    """About that family."""
    return NoticeWritten(notice_id=new_id(), desk=True, dossier_id=dossier_id, title=title, paragraphs=paragraphs)
