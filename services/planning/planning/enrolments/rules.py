"""What an enrolment asks of the days of its months. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from contracts.enrolment import EnrolmentChanged
from french.calendar import DAY, last_day

from planning.deadlines.rules import WEEKDAYS, TownCalendar, Weekday, span
from planning.reservations.rules import By, Change, Enrolled, Itself, Line

#: Of days that move with their child: to another school, or as its school is known at last.
SITE_CHANGED = Itself("Changement de lieu d'accueil")


class Step(NamedTuple):
    """These weekdays and no others from the first to the last day, both included; deadlines are judged at `moment`.

    With `moving`: what is reserved in these days takes place where the child is expected now. `whole`: whichever family
    has the child on a day; else it says nothing of the other family's days.
    """

    first: date
    last: date
    weekdays: Sequence[Weekday]
    moment: datetime
    by: By
    moving: bool = False
    whole: bool = False

    def months(self) -> Iterator[date]:
        """The first day of each."""
        month = self.first.replace(day=1)
        while month <= self.last:
            yield month
            month = last_day(month) + DAY


class Applied(NamedTuple):
    """How far an enrolment is applied: the number of its last usual week, where the child is expected, since when it
    is withdrawn."""

    number: int
    site_id: UUID | None
    withdrawn_at: datetime | None


def steps(enrolment: EnrolmentChanged, before: Applied | None, now: datetime, today: date) -> list[Step]:
    """What is asked by now and was not before, in order: the last has the last word on its days.

    A withdrawn enrolment is left by a week without a day until the end of the school year. Today's days stay where they
    are when the child is expected elsewhere: meals are ordered, sheets are out.
    """
    asked = [
        Step(week.valid_from, week.valid_to, week.days, week.asked_at, week.asked_by)
        for week in enrolment.usual_weeks
        if before is None or week.number > before.number
    ]
    if (
        (at := enrolment.withdrawn_at)
        and (by := enrolment.withdrawn_by)
        and (before is None or at != before.withdrawn_at)
    ):
        last = date(int(enrolment.school_year[5:]), 8, 31)
        asked.append(Step(enrolment.valid_to + DAY, last, (), at, by, whole=True))
    if before and enrolment.site_id != before.site_id:
        asked.append(Step(today + DAY, enrolment.valid_to, WEEKDAYS, now, SITE_CHANGED, moving=True, whole=True))
    return [one for one in asked if one.first <= one.last]


def changes(step: Step, line: Line, calendar: TownCalendar, ends: date) -> Iterator[Change]:
    """What it asks of a line, of what is so already too. Days on which schools are closed are in no usual week; days
    after the enrolment `ends` are another one's, where there is one."""
    for day in span(max(step.first, line.month), min(step.last, last_day(line.month))):
        held = day in line.held
        if not step.whole and line.is_others(day):
            continue
        if day > ends and line.enrolment(day):
            continue
        if WEEKDAYS[day.weekday()] not in step.weekdays:
            if held:
                yield Change(line.child_id, line.activity_id, day, False)
        elif held or not (step.moving or calendar.why_closed(day)):
            yield Change(line.child_id, line.activity_id, day, True)


def as_asked(step: Step, line: Line, site_id: UUID | None) -> Line:
    """The line when that was asked: the child was enrolled on these days, whatever has been given up since."""
    enrolled = (Enrolled(step.first, step.last, site_id), *line.enrolled)
    return replace(line, enrolled=enrolled, family=None if step.whole else line.family)
