"""The words of messages about enrolments. Both families of a child in split custody are told."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from chassis.identifiers import new_id
from contracts.enrolment import NoticeWritten
from french.calendar import DAY
from french.wording import day

from enrolment.catalogue.models import Activity
from enrolment.copies import Child
from enrolment.enrolments.models import Enrolment

LINK = "/inscriptions"


def enrolled(
    enrolments: Iterable[Enrolment], children: Mapping[UUID, Child], activities: Mapping[UUID, Activity]
) -> list[NoticeWritten]:
    """One to each family, of all that was enrolled at once."""
    lines: dict[UUID, list[str]] = {}
    weeks: set[UUID] = set()
    for one in enrolments:
        child = children[one.child_id]
        line = (
            f"{child.first_name} : {activities[one.activity_id].name}, du {day(one.valid_from)} au {day(one.valid_to)}."
        )
        for dossier_id in child.dossier_ids:
            lines.setdefault(dossier_id, []).append(line)
            if one.usual_weeks:
                weeks.add(dossier_id)
    return [
        _notice(
            dossier_id,
            "Inscription enregistrée" if len(said) == 1 else "Inscriptions enregistrées",
            *said,
            "Les jours de la semaine habituelle qui sont encore possibles vont être réservés : le planning les montre, "
            "et dit lesquels n'ont pas pu l'être."
            if dossier_id in weeks
            else "Aucun jour n'est réservé pour le moment : réservez les jours voulus au planning, ou indiquez une "
            "semaine habituelle.",
        )
        for dossier_id, said in lines.items()
    ]


def withdrawn(enrolment: Enrolment, child: Child, activity: Activity) -> list[NoticeWritten]:
    """One to each family of the child."""
    return [
        _notice(
            dossier_id,
            "Fin d'une inscription",
            f"{child.first_name} : l'inscription à l'activité « {activity.name} » s'arrête ; le premier jour sans elle "
            f"est le {day(enrolment.valid_to + DAY)}.",
            "Les jours réservés à partir de cette date sont annulés tant que leur délai le permet ; les autres restent "
            "dus. Le planning montre lesquels.",
        )
        for dossier_id in child.dossier_ids
    ]


def renewed(
    dossier_id: UUID, school_year: str, done: Sequence[str], refused: Sequence[str], *, weeks: bool
) -> NoticeWritten:
    """To a family: what of its children's enrolments goes on in the next school year (« Inès : Accueil du soir »), and
    what does not, with the reason.
    """
    said = []
    if done:
        said += [f"Ces inscriptions sont renouvelées pour l'année scolaire {school_year} :", *done]
        said.append(
            "La semaine habituelle reste la même : le planning montre les jours réservés."
            if weeks
            else "Aucun jour n'est encore réservé : indiquez une semaine habituelle, ou réservez les jours au planning."
        )
        said.append(
            "Lisez et acceptez le règlement de cette année scolaire ; si une inscription ne vous convient plus, "
            "retirez-la dans « Inscription »."
        )
    if refused:
        said += [f"Ces inscriptions ne sont pas renouvelées pour l'année scolaire {school_year} :", *refused]
    return _notice(dossier_id, f"Inscriptions pour l'année scolaire {school_year}", *said)


def _notice(dossier_id: UUID, title: str, *paragraphs: str) -> NoticeWritten:
    return NoticeWritten(notice_id=new_id(), dossier_id=dossier_id, title=title, paragraphs=paragraphs, link=LINK)
