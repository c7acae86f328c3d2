"""What a household must have, which of those known it looks like, and whose a shared child's days are. Pure."""

import re
from collections.abc import Collection, Iterable
from datetime import date
from itertools import pairwise
from typing import Literal, NamedTuple
from uuid import UUID

from contracts.dossier import Custody, CustodyPattern, Role
from french import wording
from french.names import name_key

#: Who a dossier cannot be without, in the words of a sentence.
NEEDED: tuple[tuple[Role, str], ...] = (("legal_guardian", "responsable légal"), ("payer", "payeur"))


class Named(NamedTuple):
    """Somebody, by the names that tell them from others of a household."""

    first_name: str
    last_name: str

    def is_same(self, other: "Named") -> bool:
        return [name_key(name) for name in self] == [name_key(name) for name in other]


def lacking(roles: Iterable[Collection[Role]]) -> str | None:
    """Whom, in French, the adults who have these roles leave their dossier without."""
    there = {role for one in roles for role in one}
    return next((words for role, words in NEEDED if role not in there), None)


def with_payer(roles: Iterable[Collection[Role]]) -> list[list[Role]]:
    """The same roles, the first legal guardian paying where nobody is said to."""
    given = [list(dict.fromkeys(one)) for one in roles]
    if not any("payer" in one for one in given):
        next(one for one in given if "legal_guardian" in one).append("payer")
    return given


def is_school_year(written: str) -> bool:
    """« 2026-2027 »"""
    years = re.fullmatch("(20[0-9]{2})-(20[0-9]{2})", written)
    return years is not None and int(years[2]) == int(years[1]) + 1


class Paying(NamedTuple):
    """Who pays from that day on."""

    valid_from: date
    adult_id: UUID


#: Before anybody is said to pay from a day.
EVER = date(2000, 1, 1)


def paying(payers: Iterable[Paying], day: date) -> UUID | None:
    """Who of these, in order, pays on that day."""
    return next((one.adult_id for one in reversed(list(payers)) if one.valid_from <= day), None)


def handed_over(payers: Iterable[Paying], now: UUID | None, change: Paying) -> list[Paying]:
    """The payers once that change is made, which says the last word of its day and those after; `now`: who pays now."""
    before = [one for one in payers if one.valid_from < change.valid_from]
    if not before and now is not None:
        before = [Paying(EVER, now)]
    return before if before and before[-1].adult_id == change.adult_id else [*before, change]


Whose = Literal["own", "other"]
_WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")


def overlapping(periods: Iterable[tuple[date, date]]) -> bool:
    """Whether two of these share a day; each has its first and its last."""
    in_order = sorted(periods)
    return any(later[0] <= earlier[1] for earlier, later in pairwise(in_order))


def in_words(custody: Custody, family: UUID, whose: str = "vos jours de garde") -> list[str]:
    """A sentence a pattern, of that family's days, which are called so."""
    exceptions = [
        f"du {wording.day(one.first_day)} au {wording.day(one.last_day)}"
        f" ({'de' if one.dossier_id == family else 'sans'} garde)"
        for one in custody.exceptions
    ]
    return [
        *(_pattern(one, family, whose) for one in custody.patterns),
        *([f"Exceptions pour {whose} : {' ; '.join(exceptions)}."] if exceptions else []),
    ]


def _pattern(pattern: CustodyPattern, family: UUID, whose: str) -> str:
    first, *second = (_week(pattern.days[n : n + 7], family) for n in range(0, len(pattern.days), 7))
    weeks = f"{first} une semaine, {second[0]} la suivante" if second else f"{first} chaque semaine"
    return f"À partir du {wording.day(pattern.valid_from)}, {whose} sont : {weeks}."


def _week(days: Iterable[UUID], family: UUID) -> str:
    own = [name for name, one in zip(_WEEKDAYS, days, strict=True) if one == family]
    return {0: "aucun jour", 7: "toute la semaine"}.get(len(own), ", ".join(own))
