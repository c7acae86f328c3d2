"""Whose the days of a child in split custody are: in words, and month by month. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from french import wording
from french.calendar import DAY, last_day

from web.answers.dossier import Custody
from web.changes import rhythm
from web.months import WEEKDAYS, Cell, Month, month

#: What a sentence and a day's cell say, by whose it is.
Words = Mapping[str, tuple[str, str]]
FOR_PARENTS: Words = {"own": ("chez vous", "vous"), "other": ("chez l'autre parent", "autre")}
FOR_THE_DESK: Words = {"own": ("dans ce dossier", "ici"), "other": ("dans l'autre dossier", "autre")}
#: Of a day that is nobody's in particular.
NOBODY = ("non fixé", "–")
#: So many are shown.
MONTHS = 2


@dataclass(frozen=True)
class Shown:
    """A sentence a rhythm and exception, and the months, each with its name."""

    sentences: list[str]
    months: list[tuple[str, Month]]


def whose(custody: Custody, day: date) -> str:
    """`own`, `other`, or nothing where it is nobody's in particular."""
    for one in custody.exceptions:
        if one.first_day <= day <= one.last_day:
            return one.whose
    begun = [one for one in custody.patterns if one.valid_from <= day]
    if not begun:
        return ""
    monday = begun[-1].valid_from - begun[-1].valid_from.weekday() * DAY
    return begun[-1].days[(day - monday).days % len(begun[-1].days)]


def shown(custody: Custody, today: date, words: Words) -> Shown:
    """From this month on, or from the one in which a first rhythm begins."""
    if not custody.patterns and not custody.exceptions:
        return Shown([], [])
    firsts = [max(today, min(one.valid_from for one in custody.patterns)) if custody.patterns else today]
    while len(firsts) < MONTHS:
        firsts.append(last_day(firsts[-1].replace(day=1)) + DAY)
    return Shown(
        _sentences(custody, today, words), [(wording.month(one), _month(custody, one, words)) for one in firsts]
    )


def _sentences(custody: Custody, today: date, words: Words) -> list[str]:
    """Of what is over nothing."""
    begun = sum(one.valid_from <= today for one in custody.patterns)
    said = [
        f"À partir du {wording.day(one.valid_from)}, {words['own'][0]} : {rhythm(one.days)}."
        for one in custody.patterns[max(begun - 1, 0) :]
    ]
    said += [
        f"Exception, {words[one.whose][0]} : {_period(one.first_day, one.last_day)}."
        for one in custody.exceptions
        if one.last_day >= today
    ]
    return [one.replace(" :", "\N{NO-BREAK SPACE}:") for one in said]


def _period(first: date, last: date) -> str:
    return f"le {wording.day(first)}" if first == last else f"du {wording.day(first)} au {wording.day(last)}"


def _month(custody: Custody, day: date, words: Words) -> Month:
    first = day.replace(day=1)
    cells = []
    for number in range(last_day(first).day):
        one = whose(custody, first + timedelta(number))
        mark = {"own": "booked", "other": ""}.get(one, "free")
        cells.append(Cell(first + timedelta(number), words.get(one, NOBODY)[1], mark=mark))
    return month(cells, least=len(WEEKDAYS))
