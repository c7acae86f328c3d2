from datetime import UTC, date, datetime, timedelta

import pytest
from french.calendar import (
    age_on,
    birth_date_fault,
    first_day,
    is_working_day,
    last_day,
    public_holidays,
    school_holidays,
    school_year,
    working_days_before,
    written_day,
)


def test_public_holidays_are_eleven_a_year_around_easter() -> None:
    assert {f"{day:%d/%m}": name for day, name in public_holidays(2026).items()} == {
        "01/01": "Jour de l'an",
        "06/04": "Lundi de Pâques",
        "01/05": "Fête du Travail",
        "08/05": "Fête de la Victoire",
        "14/05": "Ascension",
        "25/05": "Lundi de Pentecôte",
        "14/07": "Fête nationale",
        "15/08": "Assomption",
        "01/11": "Toussaint",
        "11/11": "Armistice",
        "25/12": "Noël",
    }
    assert list(public_holidays(2026)) == sorted(public_holidays(2026))
    assert public_holidays(2008)[date(2008, 5, 1)] == "Ascension; Fête du Travail"
    easter_mondays = [date(2000, 4, 24), date(2019, 4, 22), date(2024, 4, 1), date(2035, 3, 26), date(2038, 4, 26)]
    assert all(public_holidays(day.year)[day] == "Lundi de Pâques" for day in easter_mondays)


def test_working_days_are_monday_to_friday_without_public_holidays_school_holidays_included() -> None:
    christmas = [date(2026, 12, 21) + timedelta(days=n) for n in range(7)]
    assert [day.day for day in christmas if is_working_day(day)] == [21, 22, 23, 24]
    movable = [date(2027, 3, 29), date(2027, 5, 6), date(2027, 5, 17)]  # Easter Monday, Ascension, Whit Monday
    assert not any(is_working_day(day) for day in movable)


def test_a_day_the_town_has_closed_is_no_working_day() -> None:
    bridge = date(2027, 5, 7)
    assert is_working_day(bridge)
    assert not is_working_day(bridge, {bridge})


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2027, 3, 4), 1, date(2027, 3, 3)),
        (date(2027, 3, 8), 1, date(2027, 3, 5)),  # Friday for Monday
        (date(2027, 3, 7), 1, date(2027, 3, 5)),  # and for the Sunday before it
        (date(2027, 3, 30), 1, date(2027, 3, 26)),  # over Easter
        (date(2027, 1, 4), 3, date(2026, 12, 29)),  # over New Year
        (date(2027, 3, 8), 0, date(2027, 3, 8)),
    ],
)
def test_working_days_before_a_day_pass_over_what_is_none(day: date, count: int, expected: date) -> None:
    assert working_days_before(day, count) == expected


def test_working_days_before_a_day_pass_over_what_the_town_has_closed() -> None:
    assert working_days_before(date(2027, 5, 10), 1, {date(2027, 5, 7)}) == date(2027, 5, 5)


def test_a_school_year_begins_in_september() -> None:
    days = [date(2026, 8, 31), date(2026, 9, 1), date(2027, 1, 1)]
    assert [school_year(day) for day in days] == ["2025-2026", "2026-2027", "2026-2027"]


def test_a_period_over_new_year_is_one_period() -> None:
    christmas = next(period for period in school_holidays("C", [2026, 2027]) if period.days[0].month == 12)
    assert (christmas.days[0], christmas.days[-1]) == (date(2026, 12, 19), date(2027, 1, 3))


def test_the_zones_have_their_own_winter() -> None:
    winters = {
        zone: next(period.days[0] for period in school_holidays(zone, [2027]) if "hiver" in period.name)
        for zone in "ABC"
    }
    assert winters == {"A": date(2027, 2, 13), "B": date(2027, 2, 20), "C": date(2027, 2, 6)}


def test_beyond_what_is_published_summer_and_christmas_remain() -> None:
    far = [(period.name, period.days[0], period.days[-1]) for period in school_holidays("C", [2031])]
    assert far == [
        ("Vacances d'été", date(2031, 7, 7), date(2031, 8, 31)),
        ("Vacances de Noël", date(2031, 12, 20), date(2032, 1, 4)),
    ]


def test_a_long_weekend_is_no_period() -> None:
    assert all(len(period.days) > 14 for period in school_holidays("C", range(2020, 2032))[1:])


def test_a_month_has_its_first_and_its_last_day() -> None:
    assert first_day("2028-02") == date(2028, 2, 1)
    assert [last_day(first_day(f"{year}-02")).day for year in (2027, 2028)] == [28, 29]
    assert last_day(first_day("2099-12")) == date(2099, 12, 31)


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "9999-12", "1999-12", "2026-1", "2026-12-01", "٢٠٢٦-12", ""])
def test_what_is_no_month_is_said(month: str) -> None:
    with pytest.raises(ValueError, match="Un mois est attendu"):
        first_day(month)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2020, 12, 21), date(2026, 12, 21), 6),
        (date(2020, 12, 22), date(2026, 12, 21), 5),
        (date(2020, 2, 29), date(2026, 2, 28), 5),
        (date(2020, 2, 29), date(2026, 3, 1), 6),
    ],
)
def test_age_is_whole_years_on_that_day(born: date, day: date, age: int) -> None:
    assert age_on(born, day) == age


@pytest.mark.parametrize("given", ["2026-12-03", date(2026, 12, 3)])
def test_a_day_is_written_by_a_person(given: object) -> None:
    assert written_day(given) == given


@pytest.mark.parametrize("given", [20261203, 1.5, True, "3/12/2026", "2026-12-03T00:00:00", datetime.now(UTC), None])
def test_what_no_person_writes_is_no_day(given: object) -> None:
    with pytest.raises(ValueError, match="Une date"):
        written_day(given)


@pytest.mark.parametrize(
    ("born", "fault"),
    [
        (date(2026, 11, 25), None),
        (date(2026, 11, 26), "futur"),
        (date(2008, 11, 26), None),
        (date(2008, 11, 25), "18 ans"),
        (date(1, 1, 1), "18 ans"),
    ],
)
def test_a_child_is_born_and_a_minor(born: date, fault: str | None) -> None:
    said = birth_date_fault(born, date(2026, 11, 25))
    assert said is None if fault is None else said is not None and fault in said
