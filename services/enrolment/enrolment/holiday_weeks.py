"""The coming weeks of school holidays, their open days and their deadlines. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import groupby
from zoneinfo import ZoneInfo

import holidays
from babel.dates import format_date
from vacances_scolaires_france import SchoolHolidayDates, UnsupportedYearException

PARIS = ZoneInfo("Europe/Paris")
DAY = timedelta(days=1)
HORIZON = timedelta(days=365)

_published = cache(SchoolHolidayDates)  # reads a table of every day since 1990


@dataclass(frozen=True)
class Week:
    """Open days of one week (`monday`) of a holiday period that begins on `period_starts`."""

    name: str
    monday: date
    dates: tuple[date, ...]
    period_starts: date


def day_in_french(day: date) -> str:
    """« 21 décembre », « 1er mars »."""
    written = format_date(day, "d MMMM", locale="fr")
    return f"1er{written[1:]}" if day.day == 1 else written


def deadline(period_starts: date, days_before: int, at: time) -> datetime:
    """That time of day in Paris, so many days before the period's first day."""
    return datetime.combine(period_starts - days_before * DAY, at, PARIS)


def coming_weeks(zone: str, today: date) -> list[Week]:
    """The weeks that begin within a year: Monday to Friday without public holidays, those without an open day left out.

    School holidays are those of `zone` ("A", "B" or "C") where they are published, the usual ones beyond.
    """
    years = range(today.year - 1, today.year + 2)
    closed = holidays.country_holidays("FR", years=years)
    weeks = []
    for name, days in _periods(_school_holidays(zone, years)):
        for monday, in_week in groupby(days, lambda day: day - day.weekday() * DAY):
            dates = tuple(day for day in in_week if day.weekday() < 5 and day not in closed)
            if dates and today < dates[0] and monday < today + HORIZON:
                weeks.append(Week(f"{name}, semaine du {day_in_french(monday)}", monday, dates, days[0]))
    return weeks


def _school_holidays(zone: str, years: Iterable[int]) -> dict[date, str]:
    """Each day of school holidays with the name of its period. A long weekend (pont) is none for a leisure centre."""
    found: dict[date, str] = {}
    for year in years:
        try:
            known = _published().holidays_for_year_and_zone(year, zone)
        except UnsupportedYearException:
            known = {}
        names = {day: row["nom_vacances"] for day, row in known.items()}
        found |= {day: name for day, name in names.items() if name.startswith("Vacances")}
        for name, first, last in _usual_periods(year):
            if first not in found:
                found |= {first + n * DAY: name for n in range((last - first).days + 1)}
    return found


def _usual_periods(year: int) -> Iterator[tuple[str, date, date]]:
    """What every school year has: the summer from its first full week of July, two weeks around Christmas."""
    july = date(year, 7, 1)
    yield "Vacances d'été", july + -july.weekday() % 7 * DAY, date(year, 8, 31)
    december = date(year, 12, 17)
    saturday = december + (5 - december.weekday()) % 7 * DAY
    yield "Vacances de Noël", saturday, saturday + 15 * DAY


def _periods(named_days: dict[date, str]) -> Iterator[tuple[str, list[date]]]:
    """Runs of consecutive days of one name, in order."""
    in_order = enumerate(sorted(named_days.items()))
    for (_, name), run in groupby(in_order, lambda one: (one[1][0] - one[0] * DAY, one[1][1])):
        yield name, [day for _, (day, _) in run]
