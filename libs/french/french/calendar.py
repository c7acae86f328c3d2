"""Months, ages, public holidays, working days, and the periods of school holidays."""

import re
from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import groupby

from vacances_scolaires_france import SchoolHolidayDates, UnsupportedYearException

DAY = timedelta(days=1)
#: Whoever is older is no child of a family's dossier any more.
OF_AGE = 18

_published = cache(SchoolHolidayDates)  # reads a table of every day since 1990


def first_day(month: str) -> date:
    """Of a month written « 2026-12 », of the years 2000 to 2099; raises ValueError, with a sentence in French."""
    if not re.fullmatch("20[0-9]{2}-(0[1-9]|1[0-2])", month):
        raise ValueError("Un mois est attendu (AAAA-MM), entre 2000 et 2099.")
    return date.fromisoformat(f"{month}-01")


def written_day(given: object) -> object:
    """A day that a person may write (« 2026-12-03 »), never a number; raises ValueError, with a sentence in French."""
    written = isinstance(given, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", given)
    if not written and type(given) is not date:
        raise ValueError("Une date (AAAA-MM-JJ) est attendue.")
    return given


def age_on(birth_date: date, day: date) -> int:
    """Whole years; somebody born on a 29 February is a year older on 1 March of a common year."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def birth_date_fault(birth_date: date, today: date) -> str | None:
    """What is wrong, in French, with that birth date of a child."""
    if birth_date > today:
        return "Cette date de naissance est dans le futur."
    if age_on(birth_date, today) >= OF_AGE:
        return f"Cette personne a {OF_AGE} ans ou plus : un dossier ne compte que des enfants mineurs."
    return None


def last_day(first: date) -> date:
    """Of the month that begins on `first`."""
    return first.replace(day=monthrange(first.year, first.month)[1])


@dataclass(frozen=True)
class Period:
    """School holidays, as « Vacances d'été », with each of their days in order."""

    name: str
    days: tuple[date, ...]


@cache
def public_holidays(year: int) -> Mapping[date, str]:
    """Those of the whole country, with their names, in order (code du travail, L3133-1)."""
    easter = _easter(year)
    days = [
        (date(year, 1, 1), "Jour de l'an"),
        (easter + DAY, "Lundi de Pâques"),
        (easter + 39 * DAY, "Ascension"),
        (date(year, 5, 1), "Fête du Travail"),
        (date(year, 5, 8), "Fête de la Victoire"),
        (easter + 50 * DAY, "Lundi de Pentecôte"),
        (date(year, 7, 14), "Fête nationale"),
        (date(year, 8, 15), "Assomption"),
        (date(year, 11, 1), "Toussaint"),
        (date(year, 11, 11), "Armistice"),
        (date(year, 12, 25), "Noël"),
    ]
    names: dict[date, str] = {}
    for day, name in sorted(days):  # the Ascension may be a 1 May
        names[day] = f"{names[day]}; {name}" if day in names else name
    return names


def _easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Jones, Butcher)."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    moon = (19 * golden + century - century // 4 - (8 * century + 13) // 25 + 15) % 30
    to_sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 19 * to_sunday) // 433
    month, day = divmod(moon + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def is_working_day(day: date, closed: Collection[date] = ()) -> bool:
    """Monday to Friday, neither a public holiday nor one of the days the town has `closed`; school holidays count."""
    return day.weekday() < 5 and day not in public_holidays(day.year) and day not in closed


def working_days_before(day: date, count: int, closed: Collection[date] = ()) -> date:
    """The working day that is `count` (from 1) working days before `day`, which need not be one itself."""
    while count:
        day -= DAY
        count -= is_working_day(day, closed)
    return day


def school_year(day: date) -> str:
    """« 2026-2027 »: from September to August."""
    begun = day.year - (day.month < 9)
    return f"{begun}-{begun + 1}"


def school_days(zone: str, year: str) -> tuple[date, date]:
    """The first and the last day of school of « 2026-2027 »: between two summers, Monday to Friday."""
    begun = int(year[:4])
    summers = [period for period in school_holidays(zone, (begun, begun + 1)) if period.name == "Vacances d'été"]
    first, last = summers[0].days[-1] + DAY, summers[-1].days[0] - DAY
    while first.weekday() > 4:
        first += DAY
    while last.weekday() > 4:
        last -= DAY
    return first, last


def school_holidays(zone: str, years: Iterable[int]) -> list[Period]:
    """The periods of `zone` ("A", "B" or "C") in these years, in order: as published, the usual ones beyond.

    What began before these years lacks its beginning. A long weekend (pont) is none: no leisure centre opens for it.
    """
    names: dict[date, str] = {}
    for year in years:
        try:
            known = _published().holidays_for_year_and_zone(year, zone)
        except UnsupportedYearException:
            known = {}
        found = {day: row["nom_vacances"] for day, row in known.items()}
        names |= {day: name for day, name in found.items() if name.startswith("Vacances")}
        for name, first, last in _usual_periods(year):
            if first not in names:
                names |= {first + n * DAY: name for n in range((last - first).days + 1)}
    # A run of consecutive days has one difference between day and rank.
    ranked = enumerate(sorted(names.items()))
    runs = groupby(ranked, lambda one: (one[1][0] - one[0] * DAY, one[1][1]))
    return [Period(name, tuple(day for _, (day, _) in run)) for (_, name), run in runs]


def _usual_periods(year: int) -> Iterator[tuple[str, date, date]]:
    """What every school year has: the summer from its first full week of July, two weeks around Christmas."""
    july = date(year, 7, 1)
    yield "Vacances d'été", july + -july.weekday() % 7 * DAY, date(year, 8, 31)
    december = date(year, 12, 17)
    saturday = december + (5 - december.weekday()) % 7 * DAY
    yield "Vacances de Noël", saturday, saturday + 15 * DAY
