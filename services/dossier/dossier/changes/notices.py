"""What families are told of their change requests: by message and by mail, without a value of theirs."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from chassis.identifiers import new_id
from contracts.dossier import NoticeWritten
from french.wording import day

from dossier.changes.models import ChangeRequest, ChangeStatus
from dossier.changes.rules import WORDS


def decided(request: ChangeRequest, dossier_ids: Iterable[UUID]) -> Iterator[NoticeWritten]:
    """To the family that asked; where a child's data changed, to its other family too."""
    about = WORDS[request.kind].format(request.subject)
    if request.status == ChangeStatus.REFUSED:
        yield _notice(
            request.dossier_id,
            "Votre demande de modification n'est pas acceptée",
            f"Votre demande concernant {about} n'est pas acceptée. Voici pourquoi : {request.reason}",
            "Vous pouvez faire une nouvelle demande dans « Mon dossier », ou vous adresser au guichet.",
        )
        return
    since = f" Il compte à partir du {day(request.counts_from)}." if request.counts_from else ""
    yield _notice(
        request.dossier_id,
        "Votre demande de modification est acceptée",
        f"Votre demande concernant {about} est acceptée : votre dossier est à jour.{since}",
        f"Le guichet précise : {request.reason}",
    )
    for dossier_id in dossier_ids:
        if dossier_id != request.dossier_id:
            yield _notice(
                dossier_id,
                "Une information sur votre enfant a changé",
                f"Le guichet a accepté une demande de l'autre foyer de l'enfant, concernant {about} : votre dossier est"
                " à jour. Si cela vous surprend, adressez-vous au guichet.",
            )


def _notice(dossier_id: UUID, title: str, *paragraphs: str) -> NoticeWritten:
    return NoticeWritten(notice_id=new_id(), dossier_id=dossier_id, title=title, paragraphs=paragraphs, link="/dossier")
