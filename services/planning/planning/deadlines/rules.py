"""Until when a day may be booked or given up: rules counted back from the day in Paris, over the town's calendar. Pure.

The one way of grid, refusals and mails: `days` or `of_day`, `why_none`, and `still_open` at a moment.
"""

import datetime
import re
from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Annotated, Literal, get_args

from french import wording
from french.calendar import DAY, public_holidays, school_holidays, working_days_before, written_day
from french.paris import PARIS, at
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from planning.slots.rules import Bands

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
EN_FRANCAIS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")

#: No calendar of a town goes further; far from where dates end, so that every rule can count back and forth.
FIRST_DAY, LAST_DAY = datetime.date(2000, 1, 1), datetime.date(2099, 12, 31)


def _in_a_calendar(day: datetime.date) -> datetime.date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"Une date entre {FIRST_DAY.year} et {LAST_DAY.year} est attendue.")
    return day


def _hour(given: object) -> object:
    written = isinstance(given, str) and re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9](:00)?", given)
    if not written and not isinstance(given, datetime.time):
        raise ValueError("Une heure (HH:MM) est attendue, celle de Paris.")
    return given


def _to_the_minute(hour: datetime.time) -> datetime.time:
    if hour.tzinfo or hour.second or hour.microsecond:
        raise ValueError("Une heure (HH:MM) est attendue, celle de Paris.")
    return hour


#: A day that a person may write, never a number.
Day = Annotated[datetime.date, BeforeValidator(written_day), AfterValidator(_in_a_calendar)]
Hour = Annotated[datetime.time, BeforeValidator(_hour), AfterValidator(_to_the_minute)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class ClosedDay(_Value):
    """A day on which the town is closed, and what it is called (« Pont de l'Ascension »)."""

    date: Day
    name: Annotated[str, Field(min_length=1, max_length=100, pattern="^[^\\x00-\\x1f\\x7f]*$")]


def _each_day_once(closed: list[ClosedDay]) -> list[ClosedDay]:
    seen: set[datetime.date] = set()
    for one in closed:
        if one.date in seen:
            raise ValueError(f"Le {one.date:%d/%m/%Y} est donné plus d'une fois.")
        seen.add(one.date)
    return closed


ClosedDays = Annotated[list[ClosedDay], AfterValidator(_each_day_once), Field(max_length=1000)]


class DaysBefore(_Value):
    """`n` days before the day itself, or so many working days of the town; 0: that very day."""

    rule: Literal["days_before"]
    n: Annotated[StrictInt, Field(ge=0, le=30)]
    time: Hour
    working_days: StrictBool

    def until(self, day: datetime.date, closed: Collection[datetime.date]) -> datetime.datetime:
        last = working_days_before(day, self.n, closed) if self.working_days else day - self.n * DAY
        return at(last, self.time)

    def in_words(self) -> str:
        hour, kind = _hour_in_words(self.time), "ouvré" if self.working_days else ""
        if self.n == 0:
            return f"le jour même à {hour}"
        if self.n == 1:
            return f"le jour ouvré précédent à {hour}" if kind else f"la veille à {hour}"
        return f"{wording.days(self.n)}{f' {kind}s' if kind else ''} avant, à {hour}"


class WeekdayBefore(_Value):
    """That weekday of the week (from Monday) that is `weeks` before the day's own, whether it is worked or not."""

    rule: Literal["weekday_before"]
    weekday: Weekday
    time: Hour
    weeks: Annotated[StrictInt, Field(ge=1, le=12)]

    def until(self, day: datetime.date, closed: Collection[datetime.date]) -> datetime.datetime:
        return at(day + (WEEKDAYS.index(self.weekday) - day.weekday() - 7 * self.weeks) * DAY, self.time)

    def in_words(self) -> str:
        weekday, hour = EN_FRANCAIS[WEEKDAYS.index(self.weekday)], _hour_in_words(self.time)
        if self.weeks == 1:
            return f"le {weekday} de la semaine précédente à {hour}"
        return f"le {weekday}, {self.weeks} semaines avant, à {hour}"


class DayOfMonthBefore(_Value):
    """That day of the month that is `months` before the day's own; of a shorter month, its last day."""

    rule: Literal["day_of_month_before"]
    day: Annotated[StrictInt, Field(ge=1, le=31)]
    time: Hour
    months: Annotated[StrictInt, Field(ge=1, le=12)]

    def until(self, day: datetime.date, closed: Collection[datetime.date]) -> datetime.datetime:
        year, month = divmod(day.year * 12 + day.month - 1 - self.months, 12)
        month += 1
        return at(datetime.date(year, month, min(self.day, monthrange(year, month)[1])), self.time)

    def in_words(self) -> str:
        day, hour = "1er" if self.day == 1 else str(self.day), _hour_in_words(self.time)
        if self.months == 1:
            return f"le {day} du mois précédent à {hour}"
        return f"le {day}, {self.months} mois avant, à {hour}"


class NoDeadline(_Value):
    """Until the day itself is over."""

    rule: Literal["none"]

    def until(self, day: datetime.date, closed: Collection[datetime.date]) -> datetime.datetime:
        return at(day + DAY, datetime.time())

    def in_words(self) -> str:
        return "sans délai, jusqu'au jour même"


Rule = Annotated[DaysBefore | WeekdayBefore | DayOfMonthBefore | NoDeadline, Field(discriminator="rule")]


def still_open(until: datetime.datetime, now: datetime.datetime) -> bool:
    """Whether it is in time: at the very moment of the deadline it no longer is."""
    return now < until


@lru_cache(10_000)
def in_words(until: datetime.datetime) -> str:
    """« jeudi 3 décembre 2026 à 9 h »; midnight ends the day before (« jeudi 3 décembre 2026 à minuit »)."""
    local = until.astimezone(PARIS)
    if local.time() == datetime.time():
        return f"{wording.day(local.date() - DAY)} à minuit"
    return wording.moment(until)


def _hour_in_words(hour: datetime.time) -> str:
    return wording.hour(at(FIRST_DAY, hour))


# ---------------------------------------------------------------------------------- on which days, and what changes


def _each_once(weekdays: list[Weekday]) -> list[Weekday]:
    if len(set(weekdays)) < len(weekdays):
        raise ValueError("Un jour de la semaine est donné plus d'une fois.")
    return weekdays


Weekdays = Annotated[list[Weekday], AfterValidator(_each_once)]


class Rules(_Value):
    """The weekdays of an activity in school time, the two rules of each of its days, and its places on each."""

    weekdays: Weekdays
    booking_deadline: Rule
    cancellation_deadline: Rule
    bands: Bands


@dataclass(frozen=True)
class TownCalendar:
    """What the town works by: the zone of its school holidays, and the days on which it is closed, with their names."""

    school_zone: str
    closed: Mapping[datetime.date, str]

    def why_closed(self, day: datetime.date) -> str | None:
        """Why schools, and what surrounds them, are not open, in French; none: they are."""
        if day.weekday() > 4:
            return "Pas d'activité le week-end."
        if name := public_holidays(day.year).get(day):
            return f"Jour férié ({name})."
        if name := self.closed.get(day):
            return f"Fermé par la ville ({name})."
        if name := _holidays(self.school_zone, day.year).get(day):
            return f"Vacances scolaires ({name})."
        return None


@cache
def _holidays(zone: str, year: int) -> Mapping[datetime.date, str]:
    return {day: period.name for period in school_holidays(zone, (year - 1, year)) for day in period.days}


@dataclass(frozen=True)
class DayDeadlines:
    """Until when one day of an activity may be booked, and given up."""

    date: datetime.date
    booking: datetime.datetime
    cancellation: datetime.datetime


def days(rules: Rules, calendar: TownCalendar, first: datetime.date, last: datetime.date) -> Iterator[DayDeadlines]:
    """Each day from `first` to `last` on which the activity takes place, in order."""
    for day in span(first, last):
        if why_none(rules, calendar, day) is None:
            yield of_day(rules, calendar, day)


def why_none(rules: Rules, calendar: TownCalendar, day: datetime.date) -> str | None:
    """Why the activity does not take place on that day, in French; none: it does."""
    if why := calendar.why_closed(day):
        return why
    return None if WEEKDAYS[day.weekday()] in rules.weekdays else "L'activité n'a pas lieu ce jour de la semaine."


def of_day(rules: Rules, calendar: TownCalendar, day: datetime.date) -> DayDeadlines:
    """Whether the activity takes place on that day or not."""
    return DayDeadlines(
        day,
        rules.booking_deadline.until(day, calendar.closed),
        rules.cancellation_deadline.until(day, calendar.closed),
    )


def span(first: datetime.date, last: datetime.date) -> Iterator[datetime.date]:
    """Each day from the first to the last, both included."""
    return (first + n * DAY for n in range((last - first).days + 1))


def changes(
    before: Iterable[DayDeadlines], after: Iterable[DayDeadlines]
) -> list[tuple[datetime.date, DayDeadlines | None, DayDeadlines | None]]:
    """Each day whose deadlines differ, in order; none before: it did not take place then, none after: no longer."""
    old, new = ({one.date: one for one in some} for some in (before, after))
    differ = (day for day in old.keys() | new.keys() if old.get(day) != new.get(day))
    return [(day, old.get(day), new.get(day)) for day in sorted(differ)]
