"""What families are told of their enrolments' days, and the desk of those that it must see to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from uuid import UUID

from chassis.identifiers import new_id
from contracts.planning import NoticeWritten
from french.wording import by_month, day

from planning.deadlines.rules import EN_FRANCAIS, WEEKDAYS
from planning.enrolments.rules import Step
from planning.reservations.changing import Outcome, Refused
from planning.reservations.notices import counted
from planning.reservations.rules import Line, is_others

OVERFLOW = (
    "Il n'y a plus de place ces jours-là au nouveau lieu d'accueil : ils restent réservés à l'ancien. Le guichet en "
    "est averti et cherche une solution avec vous."
)


def told(dossier_id: UUID, line: Line, site: str | None, step: Step, outcome: Outcome) -> list[NoticeWritten]:
    """To the family it is done for, and each other of the child: every day of theirs that changes, and every one that
    could not. The site's name may not be known.
    """
    families = dict.fromkeys((dossier_id, *line.dossier_ids))
    return [notice for one in families for notice in _told(one, line, site, step, _seen_by(one, line, outcome))]


def _seen_by(family: UUID, line: Line, outcome: Outcome) -> Outcome:
    """Without the days of the child's other family."""
    return replace(
        outcome,
        done=[one for one in outcome.done if not is_others(line.custody, one.change.day, family)],
        refused=[one for one in outcome.refused if not is_others(line.custody, one.change.day, family)],
    )


def _told(dossier_id: UUID, line: Line, site: str | None, step: Step, outcome: Outcome) -> Iterator[NoticeWritten]:
    if not outcome.done and not outcome.refused:
        return
    title, said, done_word, refused_word = _said(site, step)
    days = {
        done_word: [one.change.day for one in outcome.done if one.after],
        "annulé": [one.change.day for one in outcome.done if not one.after],
        "maintenu": [one.change.day for one in outcome.refused if not one.change.reserve],
        refused_word: [one.change.day for one in outcome.refused if one.change.reserve],
    }
    counts = ", ".join(counted(some, word) for word, some in days.items() if some)
    changed = (f"{counted(days[word], word)} : {by_month(days[word])}." for word in (done_word, "annulé") if days[word])
    paragraphs = (
        f"{line.first_name}, {line.activity_name} : {said}",
        *changed,
        *_refused(outcome.refused, refused_word, step),
    )
    first = min(day for some in days.values() for day in some)
    yield NoticeWritten(
        notice_id=new_id(),
        dossier_id=dossier_id,
        title=f"{title} : {counts}",
        paragraphs=paragraphs,
        link=f"/planning/{first:%Y-%m}",
    )


def _said(site: str | None, step: Step) -> tuple[str, str, str, str]:
    """Title, first sentence, and how days are called that were had, and that could not be."""
    if step.moving:
        where = f" : {site}" if site else ""
        said = f"les jours réservés à partir du {day(step.first)} ont lieu au nouveau lieu d'accueil{where}."
        return "Changement de lieu d'accueil", said, "déplacé", "non déplacé"
    by = ", à la demande du guichet" if step.by.role != "guardian" else ""
    if not step.weekdays:
        said = f"l'inscription s'arrête, le premier jour sans elle est le {day(step.first)}{by}."
        return "Fin d'une inscription", said, "réservé", "refusé"
    weekdays = ", ".join(EN_FRANCAIS[WEEKDAYS.index(one)] for one in sorted(step.weekdays, key=WEEKDAYS.index))
    said = f"la semaine habituelle ({weekdays}) est appliquée du {day(step.first)} au {day(step.last)}{by}."
    return "Semaine habituelle", said, "réservé", "refusé"


def _refused(refused: Iterable[Refused], wanted_word: str, step: Step) -> Iterator[str]:
    """A sentence for each reason, that names its days."""

    def reason(one: Refused) -> tuple[bool, str]:
        return one.change.reserve, OVERFLOW if step.moving else one.reason

    for (reserve, said), some in groupby(sorted(refused, key=reason), key=reason):
        days = [one.change.day for one in some]
        word = wanted_word if reserve else "maintenu"
        yield f"{counted(days, word)} : {by_month(days)}. {said}"


def overflow(dossier_id: UUID, number: str, line: Line, days: Sequence[date]) -> NoticeWritten:
    """To the desk: reserved days without a place where the child is expected now."""
    return NoticeWritten(
        notice_id=new_id(),
        desk=True,
        dossier_id=dossier_id,
        title=f"Dossier {number} : places à trouver après un changement de lieu d'accueil",
        paragraphs=(
            f"{line.first_name}, {line.activity_name} : {counted(days, 'réservé')} à l'ancien lieu d'accueil, "
            f"sans place au nouveau : {by_month(days)}.",
            "Ajoutez des places à l'activité, puis annulez et réservez de nouveau ces jours pour la famille ; ou "
            "convenez d'autres jours avec elle.",
        ),
    )
