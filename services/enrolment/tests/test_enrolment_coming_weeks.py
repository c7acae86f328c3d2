from datetime import date, timedelta

from enrolment.catalogue.coming_weeks import coming_weeks


def test_public_holidays_and_weekends_are_no_open_days() -> None:
    christmas, new_year = coming_weeks("C", date(2026, 11, 23))[:2]
    assert christmas.name == "Vacances de Noël, semaine du 21 décembre"
    assert christmas.dates == tuple(date(2026, 12, day) for day in (21, 22, 23, 24))
    assert new_year.dates == tuple(date(2026, 12, day) for day in (28, 29, 30, 31))


def test_the_period_starts_on_its_first_day_whatever_the_week() -> None:
    assert {week.period_starts for week in coming_weeks("C", date(2026, 11, 23))[:2]} == {date(2026, 12, 19)}


def test_a_period_over_new_year_is_one_period() -> None:
    weeks = coming_weeks("C", date(2026, 12, 27))
    assert weeks[0].monday == date(2026, 12, 28)
    assert weeks[0].period_starts == date(2026, 12, 19)


def test_the_published_holidays_of_the_zone_are_all_there_for_a_year() -> None:
    names = [week.name.split(",")[0] for week in coming_weeks("C", date(2026, 11, 23))]
    assert list(dict.fromkeys(names)) == [
        "Vacances de Noël",
        "Vacances d'hiver",
        "Vacances de printemps",
        "Vacances d'été",
        "Vacances de la Toussaint",
    ]
    assert coming_weeks("A", date(2026, 11, 23)) != coming_weeks("C", date(2026, 11, 23))


def test_beyond_what_is_published_summer_and_christmas_remain() -> None:
    weeks = coming_weeks("C", date(2031, 1, 1))
    summer = [week for week in weeks if week.name.startswith("Vacances d'été")]
    assert summer[0].monday == date(2031, 7, 7)
    assert summer[1].dates == tuple(date(2031, 7, day) for day in (15, 16, 17, 18))
    assert summer[-1].dates[-1] == date(2031, 8, 29)
    assert [week.monday for week in weeks if "Noël" in week.name] == [date(2031, 12, 22), date(2031, 12, 29)]


def test_on_any_day_some_week_is_still_open_three_weeks_before_its_period() -> None:
    for n in range(0, 3000, 11):
        today = date(2026, 1, 1) + timedelta(days=n)
        weeks = coming_weeks("C", today)
        assert any(week.period_starts - timedelta(days=21) > today for week in weeks), today
        assert all(week.dates[0] > today and week.dates == tuple(sorted(week.dates)) for week in weeks)
