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
from enrolment.catalogue.models import Activity, HolidayWeek, Site
from enrolment.main import SERVICE
from sqlalchemy import func, select, text

TOWN = tomllib.loads(Path("deploy/towns/villeneuve-sur-bievre.toml").read_text())


async def count(database: Database) -> dict[str, int]:
    async with database.sessions() as session:
        tables = {table.__tablename__: table for table in (Site, Activity, HolidayWeek)}
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
    assert first["activities"] == 7
    assert first["holiday_weeks"] > 0
    assert first["outbox"] == first["sites"] + first["activities"] + first["holiday_weeks"]


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
