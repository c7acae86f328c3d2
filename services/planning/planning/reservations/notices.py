"""What the families of a month are told of its changes: each day added and removed."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Literal
from uuid import UUID

from chassis.identifiers import new_id
from contracts.planning import NoticeWritten
from french import wording

from planning.reservations.changing import Done
from planning.reservations.rules import is_others

By = Literal["family", "desk"]

_SAID = {
    "family": "Ce planning vient d'être modifié depuis votre espace.",
    "desk": "Ce planning vient d'être modifié par le guichet.",
    "other": "Ce planning vient d'être modifié par l'autre dossier dont dépend l'enfant.",
}
_day = lru_cache(5_000)(wording.day)


def receipts(dossier_id: UUID, month: date, done: Sequence[Done], by: By) -> list[NoticeWritten]:
    """One for the family it is done for, and for the other family of a child, of that child's days that it may see."""
    families = dict.fromkeys((dossier_id, *(one for change in done for one in change.line.dossier_ids)))
    of = {one: [change for change in done if one == dossier_id or _sees(one, change)] for one in families}
    return [
        _receipt(one, month, theirs, _SAID["other" if by == "family" and one != dossier_id else by])
        for one, theirs in of.items()
        if theirs
    ]


def _sees(family: UUID, done: Done) -> bool:
    line = done.line
    return family in line.dossier_ids and not is_others(line.custody, done.change.day, family)


def _receipt(dossier_id: UUID, month: date, done: Sequence[Done], said: str) -> NoticeWritten:
    added = [one for one in done if one.after]
    removed = [one for one in done if not one.after]
    counts = ", ".join(counted(some, word) for some, word in ((added, "réservé"), (removed, "annulé")) if some)
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=dossier_id,
        title=f"Planning, {wording.month(month)} : {counts}",
        paragraphs=(said, *_days(added, "réservé"), *_days(removed, "annulé")),
        link=f"/planning/{month:%Y-%m}",
    )


def counted(some: Sequence[object], word: str) -> str:
    """« 1 jour réservé », « 5 jours réservés »"""
    return f"{wording.days(len(some))} {word}{'s' if len(some) > 1 else ''}"


def _days(done: Iterable[Done], word: str) -> Iterator[str]:
    """A sentence for each child and activity, in the order of their names, that names each day."""

    def place(one: Done) -> tuple[str, str, UUID]:
        return one.line.first_name, one.line.activity_name, one.line.child_id

    for (child, activity, _), some in groupby(sorted(done, key=lambda one: (place(one), one.change.day)), key=place):
        found = list(some)
        yield f"{child}, {activity}, {counted(found, word)} : {', '.join(_day(one.change.day) for one in found)}."
