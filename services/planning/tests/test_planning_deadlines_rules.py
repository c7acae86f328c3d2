"""Until when a day may be booked or given up, without a database."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from french.calendar import DAY, is_working_day
from french.paris import PARIS, at
from hypothesis import given
from hypothesis import strategies as st
from planning.deadlines import rules
from planning.deadlines.rules import DayDeadlines, Rule, Rules, TownCalendar, in_words, still_open
from pydantic import TypeAdapter, ValidationError

RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
NOTHING: frozenset[date] = frozenset()


def rule(name: str, **fields: Any) -> Rule:
    return RULE.validate_python({"rule": name, **fields})


WORKING_DAY_BEFORE = rule("days_before", n=1, time="09:00", working_days=True)
EVE = rule("days_before", n=1, time="09:00", working_days=False)
THURSDAY_BEFORE = rule("weekday_before", weekday="thursday", time="12:00", weeks=1)
TWENTIETH = rule("day_of_month_before", day=20, time="12:00", months=1)
LAST_OF_MONTH = rule("day_of_month_before", day=31, time="12:00", months=1)
NONE = rule("none")


def paris(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("one", "day", "until"),
    [
        (WORKING_DAY_BEFORE, date(2026, 12, 4), paris(2026, 12, 3, 9)),
        (WORKING_DAY_BEFORE, date(2026, 12, 7), paris(2026, 12, 4, 9)),  # Friday for Monday
        (WORKING_DAY_BEFORE, date(2027, 3, 30), paris(2027, 3, 26, 9)),  # over Easter Monday
        (WORKING_DAY_BEFORE, date(2022, 11, 14), paris(2022, 11, 10, 9)),  # the Monday after a holiday Friday
        (EVE, date(2026, 12, 7), paris(2026, 12, 6, 9)),  # a Sunday
        (rule("days_before", n=0, time="07:30", working_days=True), date(2026, 12, 7), paris(2026, 12, 7, 7, 30)),
        (rule("days_before", n=3, time="09:00", working_days=True), date(2027, 1, 4), paris(2026, 12, 29, 9)),
        (THURSDAY_BEFORE, date(2026, 12, 9), paris(2026, 12, 3, 12)),
        (THURSDAY_BEFORE, date(2026, 12, 7), paris(2026, 12, 3, 12)),  # from Monday
        (THURSDAY_BEFORE, date(2026, 12, 13), paris(2026, 12, 3, 12)),  # to Sunday
        (THURSDAY_BEFORE, date(2026, 11, 1), paris(2026, 10, 22, 12)),  # a month that begins on a Sunday
        (THURSDAY_BEFORE, date(2026, 11, 2), paris(2026, 10, 29, 12)),
        (THURSDAY_BEFORE, date(2027, 5, 12), paris(2027, 5, 6, 12)),  # Ascension: that weekday, worked or not
        (rule("weekday_before", weekday="sunday", time="18:00", weeks=2), date(2026, 12, 9), paris(2026, 11, 29, 18)),
        (TWENTIETH, date(2026, 11, 1), paris(2026, 10, 20, 12)),  # a month that begins on a Sunday
        (TWENTIETH, date(2027, 1, 31), paris(2026, 12, 20, 12)),
        (LAST_OF_MONTH, date(2027, 3, 1), paris(2027, 2, 28, 12)),
        (LAST_OF_MONTH, date(2028, 3, 31), paris(2028, 2, 29, 12)),  # a leap year
        (rule("day_of_month_before", day=1, time="12:00", months=12), date(2028, 2, 29), paris(2027, 2, 1, 12)),
        (WORKING_DAY_BEFORE, date(2028, 3, 1), paris(2028, 2, 29, 9)),
        (NONE, date(2026, 12, 4), paris(2026, 12, 5)),
    ],
)
def test_a_deadline_is_counted_back_from_the_day(one: Rule, day: date, until: datetime) -> None:
    assert one.until(day, NOTHING) == until


def test_closed_days_in_a_row_are_passed_over() -> None:
    bridge = frozenset({date(2027, 5, 7), date(2027, 5, 10), date(2027, 5, 11)})  # after Ascension Thursday
    assert WORKING_DAY_BEFORE.until(date(2027, 5, 12), bridge) == paris(2027, 5, 5, 9)
    assert WORKING_DAY_BEFORE.until(date(2027, 5, 12), NOTHING) == paris(2027, 5, 11, 9)
    assert EVE.until(date(2027, 5, 12), bridge) == paris(2027, 5, 11, 9)


def test_nine_in_paris_is_nine_in_paris_whatever_the_clocks_do() -> None:
    spring, autumn = date(2027, 3, 28), date(2026, 10, 25)
    assert EVE.until(spring, NOTHING) == datetime(2027, 3, 27, 8, tzinfo=UTC)
    assert EVE.until(spring + DAY, NOTHING) == datetime(2027, 3, 28, 7, tzinfo=UTC)
    assert EVE.until(autumn, NOTHING) == datetime(2026, 10, 24, 7, tzinfo=UTC)
    assert EVE.until(autumn + DAY, NOTHING) == datetime(2026, 10, 25, 8, tzinfo=UTC)
    assert NONE.until(spring, NOTHING) - NONE.until(spring - DAY, NOTHING) == timedelta(hours=23)
    assert NONE.until(autumn, NOTHING) - NONE.until(autumn - DAY, NOTHING) == timedelta(hours=25)


def test_at_the_very_moment_it_is_too_late() -> None:
    until = WORKING_DAY_BEFORE.until(date(2026, 12, 4), NOTHING)
    assert still_open(until, until - timedelta(microseconds=1))
    assert not still_open(until, until)


# ------------------------------------------------------------------------------------------------ whatever the rule

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))
TIMES = st.times().map(lambda one: one.replace(second=0, microsecond=0))
RULES: st.SearchStrategy[Rule] = st.one_of(
    st.builds(
        rules.DaysBefore, rule=st.just("days_before"), n=st.integers(0, 30), time=TIMES, working_days=st.booleans()
    ),
    st.builds(
        rules.WeekdayBefore,
        rule=st.just("weekday_before"),
        weekday=st.sampled_from(rules.WEEKDAYS),
        time=TIMES,
        weeks=st.integers(1, 12),
    ),
    st.builds(
        rules.DayOfMonthBefore,
        rule=st.just("day_of_month_before"),
        day=st.integers(1, 31),
        time=TIMES,
        months=st.integers(1, 12),
    ),
    st.just(NONE),
)


@st.composite
def closed_around(draw: st.DrawFn) -> tuple[date, frozenset[date]]:
    """A day, and closed days near it, some in a row."""
    day = draw(DAYS)
    offsets = draw(st.sets(st.integers(-60, 60), max_size=40))
    return day, frozenset(day + offset * DAY for offset in offsets)


@given(RULES, closed_around(), st.integers(1, 60))
def test_a_later_day_has_no_earlier_deadline(one: Rule, around: tuple[date, frozenset[date]], later: int) -> None:
    day, closed = around
    assert one.until(day, closed) <= one.until(day + later * DAY, closed)


@given(RULES, closed_around())
def test_a_deadline_is_at_the_hour_of_the_rule_in_paris(one: Rule, around: tuple[date, frozenset[date]]) -> None:
    until = one.until(*around)
    said = time() if isinstance(one, rules.NoDeadline) else one.time
    assert at(until.astimezone(PARIS).date(), said) == until


@given(RULES, closed_around())
def test_a_deadline_comes_before_the_day_is_over(one: Rule, around: tuple[date, frozenset[date]]) -> None:
    day, closed = around
    assert one.until(day, closed) <= NONE.until(day, closed)


@given(closed_around(), st.integers(1, 30), TIMES)
def test_so_many_working_days_lie_between(around: tuple[date, frozenset[date]], n: int, hour: time) -> None:
    day, closed = around
    until = rule("days_before", n=n, time=hour, working_days=True).until(day, closed).astimezone(PARIS).date()
    between = [until + k * DAY for k in range((day - until).days)]
    assert is_working_day(until, closed)
    assert sum(is_working_day(one, closed) for one in between) == n


@given(RULES, closed_around(), st.integers(-60, 60))
def test_closing_a_day_never_gives_a_later_deadline(one: Rule, around: tuple[date, frozenset[date]], more: int) -> None:
    day, closed = around
    assert one.until(day, closed | {day + more * DAY}) <= one.until(day, closed)


# ------------------------------------------------------------------------------------------------------- the days


def activity(*weekdays: rules.Weekday, cancellation: Rule = WORKING_DAY_BEFORE) -> Rules:
    return Rules(
        weekdays=list(weekdays), booking_deadline=WORKING_DAY_BEFORE, cancellation_deadline=cancellation, bands=[]
    )


CANTEEN = activity("monday", "tuesday", "thursday", "friday")
TOWN = TownCalendar("C", {})


def test_an_activity_takes_place_on_its_weekdays_in_school_time() -> None:
    december = list(rules.days(CANTEEN, TOWN, date(2026, 12, 14), date(2027, 1, 5)))
    assert [day.date for day in december] == [
        *(date(2026, 12, day) for day in (14, 15, 17, 18)),  # Christmas holidays from the 19th
        *(date(2027, 1, day) for day in (4, 5)),
    ]
    assert list(rules.days(activity(), TOWN, date(2026, 12, 1), date(2026, 12, 31))) == []


def test_neither_on_a_public_holiday_nor_on_a_day_that_the_town_has_closed() -> None:
    bridge = TownCalendar("C", {date(2027, 5, 7): "Pont de l'Ascension"})
    whole = activity(*rules.WEEKDAYS)
    for town, last in ((TOWN, date(2027, 5, 7)), (bridge, date(2027, 5, 5))):
        assert [day.date for day in rules.days(whole, town, date(2027, 5, 5), date(2027, 5, 9))][-1] == last


def test_what_changes_is_told_day_by_day() -> None:
    first, last = date(2027, 5, 3), date(2027, 5, 11)
    bridge = TownCalendar("C", {date(2027, 5, 7): "Pont"})
    changes = rules.changes(rules.days(CANTEEN, TOWN, first, last), rules.days(CANTEEN, bridge, first, last))
    friday, thursday = paris(2027, 5, 7, 9), paris(2027, 5, 5, 9)
    assert changes == [
        (date(2027, 5, 7), DayDeadlines(date(2027, 5, 7), thursday, thursday), None),
        (
            date(2027, 5, 10),
            DayDeadlines(date(2027, 5, 10), friday, friday),
            DayDeadlines(date(2027, 5, 10), thursday, thursday),
        ),
    ]
    assert rules.changes(rules.days(CANTEEN, TOWN, first, last), rules.days(CANTEEN, TOWN, first, last)) == []


# ------------------------------------------------------------------------------------------------------- the words


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (paris(2026, 12, 3, 9), "jeudi 3 décembre 2026 à 9 h"),
        (paris(2027, 3, 1, 7, 30), "lundi 1er mars 2027 à 7 h 30"),
        (paris(2026, 12, 5), "vendredi 4 décembre 2026 à minuit"),
    ],
)
def test_a_deadline_is_told_in_french(until: datetime, words: str) -> None:
    assert in_words(until).replace("\N{NO-BREAK SPACE}", " ") == words


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (WORKING_DAY_BEFORE, "le jour ouvré précédent à 9 h"),
        (EVE, "la veille à 9 h"),
        (rule("days_before", n=2, time="09:00", working_days=True), "2 jours ouvrés avant, à 9 h"),
        (rule("days_before", n=21, time="23:59", working_days=False), "21 jours avant, à 23 h 59"),
        (rule("days_before", n=0, time="07:30", working_days=False), "le jour même à 7 h 30"),
        (THURSDAY_BEFORE, "le jeudi de la semaine précédente à 12 h"),
        (rule("weekday_before", weekday="monday", time="12:00", weeks=2), "le lundi, 2 semaines avant, à 12 h"),
        (TWENTIETH, "le 20 du mois précédent à 12 h"),
        (rule("day_of_month_before", day=1, time="12:00", months=2), "le 1er, 2 mois avant, à 12 h"),
        (NONE, "sans délai, jusqu'au jour même"),
    ],
)
def test_a_rule_is_told_in_french(one: Rule, words: str) -> None:
    assert one.in_words().replace("\N{NO-BREAK SPACE}", " ") == words


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rule": "sometimes"},
        {"rule": "days_before", "n": 1, "time": "09:00"},
        {"rule": "days_before", "n": -1, "time": "09:00", "working_days": True},
        {"rule": "days_before", "n": 31, "time": "09:00", "working_days": True},
        {"rule": "days_before", "n": "1", "time": "09:00", "working_days": True},
        {"rule": "days_before", "n": 1, "time": 32400, "working_days": True},
        {"rule": "days_before", "n": 1, "time": "32400", "working_days": True},
        {"rule": "days_before", "n": 1, "time": "09:00:30", "working_days": True},
        {"rule": "days_before", "n": 1, "time": "09:00Z", "working_days": True},
        {"rule": "days_before", "n": 1, "time": "25:00", "working_days": True},
        {"rule": "days_before", "n": 1, "time": "09:00", "working_days": 1},
        {"rule": "days_before", "n": 1, "time": "09:00", "working_days": True, "weeks": 1},
        {"rule": "weekday_before", "weekday": "jeudi", "time": "12:00", "weeks": 1},
        {"rule": "weekday_before", "weekday": "thursday", "time": "12:00", "weeks": 0},
        {"rule": "day_of_month_before", "day": 32, "time": "12:00", "months": 1},
        {"rule": "day_of_month_before", "day": 1, "time": "12:00", "months": 0},
        {"rule": "none", "time": "12:00"},
    ],
    ids=str,
)
def test_anything_but_a_rule_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RULE.validate_python(fields)
