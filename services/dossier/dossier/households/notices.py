"""What a family is told of what the desk has recorded in its dossier."""

from uuid import UUID

from chassis.identifiers import new_id
from contracts.dossier import NoticeWritten


def told(dossier_id: UUID, title: str, *paragraphs: str) -> NoticeWritten:
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=dossier_id,
        title=title,
        paragraphs=(*paragraphs, "Si quelque chose ne vous semble pas juste, adressez-vous au guichet."),
        link="/dossier",
    )
