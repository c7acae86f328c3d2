import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from chassis import clock, command
from chassis.database import Database
from chassis.identifiers import named_id
from chassis.testing import Databases
from contracts.dossier import ChildChanged, DossierChanged
from enrolment.catalogue.coming_weeks import coming_weeks
from enrolment.catalogue.models import Activity, HolidayWeek, HouseRules, HouseRulesAcceptance, SchoolYear, Site
from enrolment.enrolments.models import Enrolment
from enrolment.main import SERVICE
from enrolment.town import Town
from french.calendar import school_year
from french.paris import at, day_in_paris
from sqlalchemy import func, select, text

from tests.builders import sample

TOWN = tomllib.loads(Path("deploy/towns/villeneuve-sur-bievre.toml").read_text())


async def count(database: Database) -> dict[str, int]:
    async with database.sessions() as session:
        tables = {table.__tablename__: table for table in (Site, Activity, HolidayWeek, Enrolment)}
        found = {
            name: await session.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables.items()
        }
        return found | {"outbox": await session.scalar(text("SELECT count(*) FROM outbox")) or 0}


async def test_loading_twice_adds_and_publishes_nothing_more(databases: Databases, database: Database) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    first = await count(database)
    await command.load(SERVICE, databases.owner_url, TOWN)
    assert await count(database) == first
    assert first["sites"] == 7
    assert first["activities"] == 9
    assert first["holiday_weeks"] > 0
    assert first["enrolments"] > 0
    assert first["outbox"] == first["sites"] + first["activities"] + first["holiday_weeks"] + first["enrolments"]


@pytest.mark.parametrize(
    "day", [datetime(2026, 11, 23, tzinfo=UTC), datetime(2027, 8, 20, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)]
)
async def test_on_any_date_every_loaded_week_can_still_be_booked(
    day: date, databases: Databases, database: Database, hours_later: Callable[[float], None]
) -> None:
    hours_later((datetime.combine(day, time(), UTC) - datetime.now(UTC)).total_seconds() / 3600)
    await command.load(SERVICE, databases.owner_url, TOWN)
    async with database.sessions() as session:
        weeks = (await session.scalars(select(HolidayWeek))).all()
    assert weeks
    assert all(week.booking_closes_at > clock.now() for week in weeks)
    assert all(week.booking_closes_at < week.cancellation_closes_at for week in weeks)
    assert {(week.centre, week.group_name) for week in weeks} == {
        (centre["name"], group["name"]) for centre in TOWN["centres"] for group in centre["groups"]
    }


async def test_what_the_town_names_has_the_same_id_everywhere(databases: Databases, town: Any) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    activity = next(one for one in await town.published("activity_changed") if one.code == "vacances-la-bievre")
    assert activity.activity_id == named_id("activity", "vacances-la-bievre")
    assert (activity.site_id, activity.regie) == (named_id("site", "la-bievre"), "enfance")
    site = next(one for one in await town.published("site_changed") if one.site_id == activity.site_id)
    assert (site.code, site.kind, site.name) == ("la-bievre", "centre", "Accueil de loisirs La Bièvre")
    weeks = await town.published("holiday_week_changed")
    first_day = weeks[0].dates[0]
    monday = first_day - timedelta(days=first_day.weekday())
    assert weeks[0].holiday_week_id in {
        named_id("week", "la-bievre", monday.isoformat(), group) for group in ("3-5 ans", "6-11 ans")
    }


def test_on_any_date_every_week_of_the_demo_town_is_open_to_its_residents() -> None:
    told = Town.model_validate(TOWN).holiday_weeks
    assert told.booking_opens
    assert told.residents_first_days
    for n in range(0, 1500, 5):
        today = date(2026, 1, 1) + timedelta(days=n)
        for week in coming_weeks("C", today):
            opens = told.booking_opens.before(week.period_starts - timedelta(days=told.residents_first_days))
            assert opens < at(today, time()), week


async def test_residents_book_a_week_earlier_in_the_demo_town(databases: Databases, database: Database) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    async with database.sessions() as session:
        weeks = (await session.scalars(select(HolidayWeek))).all()
    for week in weeks:
        assert week.booking_opens_at
        assert week.residents_open_at
        assert (week.booking_opens_at - week.residents_open_at).days in (6, 7)  # across a clock change


async def test_nothing_said_of_the_opening_of_weeks_is_always_open(databases: Databases, database: Database) -> None:
    said = {
        name: one
        for name, one in TOWN["holiday_weeks"].items()
        if name not in ("booking_opens", "residents_first_days")
    }
    await command.load(SERVICE, databases.owner_url, TOWN | {"holiday_weeks": said})
    async with database.sessions() as session:
        weeks = (await session.scalars(select(HolidayWeek))).all()
    assert weeks
    assert all(week.booking_opens_at is week.residents_open_at is None for week in weeks)


@pytest.mark.parametrize(
    ("day", "names", "accepted"),
    [
        (datetime(2026, 11, 23, tzinfo=UTC), ["2026-2027", "2027-2028"], "2026-2027"),
        (datetime(2027, 7, 20, tzinfo=UTC), ["2026-2027", "2027-2028"], "2027-2028"),
        (datetime(2027, 9, 1, tzinfo=UTC), ["2027-2028", "2028-2029"], "2027-2028"),
    ],
)
async def test_this_school_year_and_the_next_are_there_and_the_first_not_over_is_accepted(
    day: datetime,
    names: list[str],
    accepted: str,
    databases: Databases,
    database: Database,
    hours_later: Callable[[float], None],
) -> None:
    hours_later((day - datetime.now(UTC)).total_seconds() / 3600)
    for _ in range(2):
        await command.load(SERVICE, databases.owner_url, TOWN)
        async with database.sessions() as session:
            years = (await session.scalars(select(SchoolYear).order_by(SchoolYear.name))).all()
            assert [year.name for year in years] == names
            rules = (await session.scalars(select(HouseRules).order_by(HouseRules.school_year))).all()
            assert [one.school_year for one in rules] == names
            acceptances = (await session.scalars(select(HouseRulesAcceptance))).all()
            assert {one.school_year for one in acceptances} == {accepted}
    # The families written in the file, and those drawn: none twice.
    numbers = {"100001", "100002", "100042"} | {str(100003 + n) for n in range(58)}
    assert {one.dossier_id for one in acceptances} == {named_id("dossier", number) for number in numbers}
    assert len(acceptances) == 60


async def test_a_town_may_say_its_own_days_of_school(databases: Databases, database: Database) -> None:
    year = school_year(day_in_paris(clock.now()))
    begun = int(year[:4])
    said = {"name": year, "first_day": date(begun, 9, 3), "last_day": date(begun + 1, 6, 29)}
    await command.load(SERVICE, databases.owner_url, TOWN | {"school_years": [said]})
    async with database.sessions() as session:
        known = await session.get(SchoolYear, year)
        assert known
        assert (known.first_day, known.last_day) == (said["first_day"], said["last_day"])


async def test_whom_an_activity_is_open_to_is_kept_as_the_file_says(databases: Databases, database: Database) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    async with database.sessions() as session:
        found = {one.code: one for one in await session.scalars(select(Activity))}
        assert found["mercredi"].ages == (3, 11)
        assert found["etude"].levels == ["elementary"]
        assert found["etude"].sector == [named_id("site", "jean-jaures")]
        assert (found["cantine"].ages, found["cantine"].levels, found["cantine"].sector) == (None, [], [])
        years = {year.name: year for year in await session.scalars(select(SchoolYear))}
        windows = found["natation"].enrolment_windows
        assert [one.school_year for one in windows] == sorted(years)
        assert all(
            one.opens_at == at(years[one.school_year].first_day + timedelta(days=275), time(8, 30)) for one in windows
        )
        assert all(one.closes_at is None for one in windows)


async def test_the_demo_towns_children_are_enrolled_but_tom_not_in_the_canteen(databases: Databases, town: Any) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    names = {
        named_id("child", family["number"], child["first_name"]): child["first_name"]
        for family in TOWN["families"]
        for child in family["children"]
    }
    told = await town.published("enrolment_changed")
    in_the_canteen = [one for one in told if one.activity_id == named_id("activity", "cantine")]
    assert {names[one.child_id] for one in in_the_canteen} == {"Léa", "Hugo", "Awa", "Inès"}
    assert {names[one.child_id] for one in told} == {"Léa", "Hugo", "Awa", "Inès", "Tom"}
    assert {one.activity_id for one in told} > {named_id("activity", "accueil-soir"), named_id("activity", "mercredi")}
    lea = next(one for one in in_the_canteen if names[one.child_id] == "Léa")
    (week,) = lea.usual_weeks
    assert (lea.dossier_id, lea.status) == (named_id("dossier", "100001"), "active")
    assert (week.days, week.valid_to) == (("monday", "tuesday", "thursday", "friday"), lea.valid_to)
    assert week.valid_from >= day_in_paris(clock.now())
    assert await town.published("notice_written") == []


@pytest.mark.parametrize(
    ("day", "year", "at_school"),
    [
        (datetime(2026, 11, 23, tzinfo=UTC), "2026-2027", True),
        (datetime(2027, 7, 20, tzinfo=UTC), "2027-2028", False),
        (datetime(2027, 9, 20, tzinfo=UTC), "2027-2028", True),
    ],
)
async def test_children_are_enrolled_in_the_first_year_not_over_at_the_school_that_is_known_for_it(
    day: datetime, year: str, at_school: bool, databases: Databases, town: Any, hours_later: Callable[[float], None]
) -> None:
    hours_later((day - datetime.now(UTC)).total_seconds() / 3600)
    await command.load(SERVICE, databases.owner_url, TOWN)
    for one in await town.published("enrolment_changed"):
        assert one.school_year == year
        assert one.valid_from < one.valid_to
        assert (one.site_id is not None) == at_school
        assert all(week.valid_from >= max(one.valid_from, day.date()) for week in one.usual_weeks)


async def test_an_enrolment_that_a_family_has_left_stays_left_when_the_town_is_loaded_again(
    databases: Databases, town: Any
) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    martin = named_id("dossier", "100001")
    await town.hear(sample(DossierChanged, dossier_id=martin, missing=()))
    lea = named_id("child", "100001", "Léa")
    await town.hear(sample(ChildChanged, child_id=lea, dossier_ids=(martin,)))
    one, *_ = await town.enrolments(martin)
    assert (await town.call("DELETE", f"/v1/enrolments/{one['id']}", martin))[0] == 202
    before = await town.enrolments(martin)
    await command.load(SERVICE, databases.owner_url, TOWN)
    assert await town.enrolments(martin) == before
