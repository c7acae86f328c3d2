"""The words of the waiting list's messages to families and to the desk."""

from collections.abc import Sequence

from chassis.identifiers import new_id
from contracts.enrolment import NoticeWritten
from french.wording import moment

from enrolment.waiting_list.models import WaitingEntry

#: Where a family sees its waiting lists and its bookings.
LINK = "/inscriptions"


def _lines(entries: Sequence[WaitingEntry]) -> str:
    """« Inès : Vacances de Noël, semaine du 21 décembre (Accueil de loisirs La Bièvre) ; … »"""
    return " ; ".join(f"{entry.child.first_name} : {entry.week.name} ({entry.week.centre})" for entry in entries)


def _to_family(entry: WaitingEntry, title: str, *paragraphs: str) -> NoticeWritten:
    return NoticeWritten(notice_id=new_id(), dossier_id=entry.dossier_id, title=title, paragraphs=paragraphs, link=LINK)


def joined(entries: Sequence[WaitingEntry], ranks: Sequence[int]) -> NoticeWritten:
    """To the family: it waits, and at which rank for each child."""
    together = (
        " Vous avez demandé ces places ensemble : elles vous seront proposées ensemble." if len(entries) > 1 else ""
    )
    return _to_family(
        entries[0],
        "Vous êtes sur la liste d'attente",
        "Votre demande est enregistrée : "
        + " ; ".join(f"{_lines([entry])}, rang {rank}" for entry, rank in zip(entries, ranks, strict=True))
        + f".{together}",
        "Dès qu'une place se libère pour vous, nous vous la proposons par un message, et nous vous la gardons le temps "
        "de répondre. Le rang peut changer : il dépend des critères de priorité de la commune, puis de la date de la "
        "demande.",
    )


def offered(entries: Sequence[WaitingEntry]) -> NoticeWritten:
    """To the family: places are kept for it until that hour."""
    until = moment(entries[0].offer_expires_at) if entries[0].offer_expires_at else ""
    kept = "Une place est gardée" if len(entries) == 1 else "Des places sont gardées"
    return _to_family(
        entries[0],
        f"Liste d'attente : {kept[0].lower()}{kept[1:]} pour vous jusqu'au {until}",
        f"{kept} pour votre famille jusqu'au {until} : {_lines(entries)}.",
        "Pour l'accepter, ouvrez l'Espace Familles, rubrique « Inscription », avant cette heure, puis confirmez et "
        "payez votre réservation. Si vous n'en voulez plus, refusez-la : elle ira à la famille suivante.",
        "Sans réponse de votre part, la proposition prend fin à cette heure et votre demande avec elle.",
    )


def offered_for_desk(entries: Sequence[WaitingEntry], dossier_number: str) -> NoticeWritten:
    """To the desk: a family that no mail reaches has an offer; somebody must call."""
    until = moment(entries[0].offer_expires_at) if entries[0].offer_expires_at else ""
    return NoticeWritten(
        notice_id=new_id(),
        desk=True,
        dossier_id=entries[0].dossier_id,
        title=f"Dossier {dossier_number} : place proposée à une famille sans courriel",
        paragraphs=(
            f"La liste d'attente propose au dossier {dossier_number}, jusqu'au {until} : {_lines(entries)}.",
            "Cette famille n'a pas de courriel : appelez-la, puis acceptez ou refusez la proposition pour elle avant "
            "cette heure.",
        ),
    )


def lapsed(entries: Sequence[WaitingEntry]) -> NoticeWritten:
    """To the family: it did not answer in time."""
    return _to_family(
        entries[0],
        "Liste d'attente : la proposition a pris fin",
        f"Vous n'avez pas répondu à temps, et la proposition est passée à la famille suivante : {_lines(entries)}.",
        "Si vous souhaitez toujours une place, inscrivez-vous de nouveau sur la liste d'attente.",
    )


def closed(entry: WaitingEntry, why: str) -> NoticeWritten:
    """To the family: its turn came, or the week did, and nothing can be offered to it."""
    return _to_family(
        entry,
        "Liste d'attente : votre demande est close",
        f"Votre demande ne peut plus aboutir : {_lines([entry])}.",
        why,
    )
