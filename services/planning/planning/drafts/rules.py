"""When a guardian is reminded of a draft: 48 hours before each deadline it would miss, but never at night. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from french.calendar import DAY
from french.paris import PARIS, at, day_in_paris

from planning.deadlines.rules import TownCalendar
from planning.reservations.rules import Change, Line, deadlines, why_not

BEFORE = timedelta(hours=48)
#: Nobody is written to from the evening to the morning.
MORNING, EVENING = time(8), time(22)
#: Deadlines move with the town's calendar and rules: a draft is looked at as often, whatever it was due for.
AT_LEAST_EVERY = timedelta(hours=1)


class Pending(NamedTuple):
    """A wish that can be validated until that moment, and would change something."""

    change: Change
    line: Line
    until: datetime


def pending(
    changes: Iterable[Change],
    lines: Mapping[tuple[UUID, UUID, date], Line],
    dossier_id: UUID,
    calendar: TownCalendar,
    now: datetime,
) -> list[Pending]:
    """Of a draft of that dossier, at that moment."""
    found = []
    for change in changes:
        line = lines.get((change.child_id, change.activity_id, change.day.replace(day=1)))
        if line is None or dossier_id not in line.dossier_ids or change.reserve is (change.day in line.held):
            continue
        until = deadlines(line, calendar, change.day)
        if until is not None and why_not(line, calendar, change, now, late=False) is None:
            found.append(Pending(change, line, until.booking if change.reserve else until.cancellation))
    return found


def due(wishes: Iterable[Pending], reminded: Collection[datetime], now: datetime) -> list[Pending]:
    """Those whose deadline is near, that it is time to be reminded of; no deadline that was `reminded`."""
    if not MORNING <= now.astimezone(PARIS).time() < EVENING:
        return []
    return [one for one in wishes if one.until - BEFORE <= now and one.until not in reminded]


def look_again(wishes: Sequence[Pending], now: datetime) -> datetime:
    """When something may be due next."""
    today = day_in_paris(now)
    moments = (*(one.until - BEFORE for one in wishes), at(today, MORNING), at(today + DAY, MORNING))
    return min(now + AT_LEAST_EVERY, *(moment for moment in moments if moment > now))
