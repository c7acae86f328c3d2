"""When the coming week is told, and in which words. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from french import wording
from french.calendar import DAY
from french.paris import PARIS

#: On Sunday, in Paris; what could not leave then leaves on Monday. Nobody is written to at night.
SUNDAY = time(18), time(22)
MONDAY = time(8), time(20)


class Day(NamedTuple):
    """Of a child: a day of the week that is reserved or booked, in which activity; none of both: it has none."""

    child_id: UUID
    first_name: str
    activity_name: str | None
    date: date | None


def week_to_tell(now: datetime) -> date | None:
    """The Monday of the week that is to be told at that moment; none: it is not the time."""
    local = now.astimezone(PARIS)
    day, hour = local.date(), local.time()
    if day.weekday() == 6 and SUNDAY[0] <= hour < SUNDAY[1]:
        return day + DAY
    return day if day.weekday() == 0 and MONDAY[0] <= hour < MONDAY[1] else None


def title(monday: date) -> str:
    return f"La semaine du {wording.day(monday)}"


def paragraphs(monday: date, days: Iterable[Day]) -> Iterator[str]:
    """One for each child, in the order of their names."""
    last = monday + 6 * DAY
    yield f"Ce qui est réservé pour vos enfants, du {wording.day(monday)} au {wording.day(last)} :"
    for _, some in groupby(sorted(days, key=_child), key=_child):
        yield _child_in_words(list(some))
    yield "Vous recevez ce message chaque dimanche à votre demande : vous pouvez l'arrêter depuis le planning."


def _child(one: Day) -> tuple[str, UUID]:
    return one.first_name, one.child_id


def _child_in_words(days: Sequence[Day]) -> str:
    """« Inès : Accueil du mercredi (mercredi 9), Restauration scolaire (lundi 7, mardi 8). »"""
    by_activity: Mapping[str, list[date]] = {one.activity_name: [] for one in days if one.activity_name}
    for one in days:
        if one.activity_name and one.date:
            by_activity[one.activity_name].append(one.date)
    said = [
        f"{name} ({', '.join(map(wording.day_of_month, sorted(dates)))})" for name, dates in sorted(by_activity.items())
    ]
    return f"{days[0].first_name} : {', '.join(said) or 'aucun jour réservé'}."
