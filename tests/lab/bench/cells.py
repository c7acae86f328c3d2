"""What a cell of the planning costs: its status, until when it may change and why not; and its two deadlines alone."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from statistics import median

from chassis import towns
from chassis.identifiers import new_id
from french.calendar import school_days, school_year
from planning.deadlines.rules import Rules, TownCalendar, days, span
from planning.plannings.rules import rows
from planning.reservations.rules import Enrolled, Line
from planning.town import Town

from deploy.local.stack import TOWN, Stack
from tests.lab.bench.rounds import Effort, Row, undisturbed

GOAL_US, TIMES = 20.0, 20


def bench(_: Stack, effort: Effort) -> Iterator[Row]:
    """Every activity of the town, every day of the school year."""
    town: Town = towns.validated(towns.read(TOWN))["planning"]
    calendar = TownCalendar(town.town.school_zone, {one.date: one.name for one in town.calendar.closed_days})
    activities = [said for entry in town.activities if (said := entry.rules())]
    first, last = school_days(town.town.school_zone, school_year(datetime.now(UTC).date()))
    rounds = range(effort.rounds)
    deadlines = median(undisturbed(lambda: _deadlines_us(activities, calendar, first, last)) for _ in rounds)
    cells = median(undisturbed(lambda: _cells_us(activities, calendar, first, last)) for _ in rounds)
    yield Row(
        "deadline engine, a cell",
        f"{deadlines:.1f} µs; a cell of the grid {cells:.1f} µs",
        f"{GOAL_US:.0f} µs",
        max(deadlines, cells) <= GOAL_US,
    )


def _deadlines_us(activities: list[Rules], calendar: TownCalendar, first: date, last: date) -> float:
    """Microseconds a day and activity, open or closed."""
    began = time.perf_counter()
    for _ in range(TIMES):
        for said in activities:
            for _day in days(said, calendar, first, last):
                pass
    return (time.perf_counter() - began) * 1e6 / TIMES / len(activities) / ((last - first).days + 1)


def _cells_us(activities: list[Rules], calendar: TownCalendar, first: date, last: date) -> float:
    months = sorted({day.replace(day=1) for day in span(first, last)})
    lines = {month: [(_line(said, month, first, last), ()) for said in activities] for month in months}
    now, made = datetime.now(UTC), 0
    began = time.perf_counter()
    for _ in range(TIMES):
        for month in months:
            made += sum(len(row.cells) for row in rows(month, lines[month], (), calendar, now))
    return (time.perf_counter() - began) * 1e6 / made


def _line(said: Rules, month: date, first: date, last: date) -> Line:
    return Line(
        child_id=new_id(),
        first_name="Tom",
        birth_date=first.replace(year=first.year - 5),
        dossier_ids=[new_id()],
        custody=None,
        activity_id=new_id(),
        activity_name="Restauration scolaire",
        kind="restauration",
        is_open=True,
        rules=said,
        month=month,
        enrolled=[Enrolled(first, last, None)],
        held={},
        version=0,
    )
