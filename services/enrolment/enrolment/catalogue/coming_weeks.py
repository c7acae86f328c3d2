"""The coming weeks of school holidays and their open days. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from french.calendar import DAY, is_working_day, school_holidays
from french.wording import day_and_month

HORIZON = timedelta(days=365)


@dataclass(frozen=True)
class Week:
    """Open days of one week (`monday`) of a holiday period that begins on `period_starts`."""

    name: str
    monday: date
    dates: tuple[date, ...]
    period_starts: date


def coming_weeks(zone: str, today: date) -> list[Week]:
    """The weeks of the zone's school holidays that begin within a year and have a working day."""
    weeks = []
    for period in school_holidays(zone, range(today.year - 1, today.year + 2)):
        for monday, in_week in groupby(period.days, lambda day: day - day.weekday() * DAY):
            dates = tuple(day for day in in_week if is_working_day(day))
            if dates and today < dates[0] and monday < today + HORIZON:
                name = f"{period.name}, semaine du {day_and_month(monday)}"
                weeks.append(Week(name, monday, dates, period.days[0]))
    return weeks
