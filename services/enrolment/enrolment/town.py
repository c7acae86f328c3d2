"""What enrolment takes from a town's description: sites, activities, and the coming holiday weeks."""

from collections.abc import Mapping, Sequence
from typing import Any

from chassis import clock
from chassis.identifiers import named_id
from chassis.outbox import publish
from contracts import Event
from contracts.enrolment import ActivityChanged, HolidayWeekChanged
from french.calendar import DAY
from french.paris import at, day_in_paris
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.holiday_weeks import coming_weeks
from enrolment.models import Activity, Base, HolidayWeek, Site


async def load(session: AsyncSession, town: Mapping[str, Any]) -> None:
    """Store what is absent and publish that alone."""
    sites = [
        {"id": named_id("site", site["code"]), "kind": kind, "name": site["name"]}
        for kind, found in (("school", town["schools"]), ("centre", town["centres"]))
        for site in found
    ]
    names = {site["id"]: site["name"] for site in sites}
    await _add(session, Site, sites)
    activities = await _add(session, Activity, [_activity(entry) for entry in town["activities"]])
    weeks = await _add(session, HolidayWeek, _holiday_weeks(town))
    await publish(
        session,
        *(
            ActivityChanged(activity_id=row["id"], site=names.get(row["site_id"]), **_facts(ActivityChanged, row))
            for row in activities
        ),
        *(HolidayWeekChanged(holiday_week_id=row["id"], **_facts(HolidayWeekChanged, row)) for row in weeks),
    )


def _facts(event: type[Event], row: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the row's columns that the event has under the same name."""
    return {name: row[name] for name in event.model_fields.keys() & row.keys()}


async def _add(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Insert the rows whose id is absent; answers those."""
    if not rows:
        return []
    id_ = table.__table__.c.id
    added = set(await session.scalars(insert(table).values(rows).on_conflict_do_nothing().returning(id_)))
    return [row for row in rows if row["id"] in added]


def _activity(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("code", "name", "kind", "payment", "charging", "regie")} | {
        "id": named_id("activity", entry["code"]),
        "site_id": named_id("site", entry["centre"]) if "centre" in entry else None,
        "version": 1,
    }


def _holiday_weeks(town: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each coming week, centre and age group that can still be booked."""
    now, rules = clock.now(), town["holiday_weeks"]
    activities = {
        entry["centre"]: named_id("activity", entry["code"])
        for entry in town["activities"]
        if entry["kind"] == "extrascolaire"
    }
    rows = []
    for week in coming_weeks(town["town"]["school_zone"], day_in_paris(now)):
        booking, cancellation = (
            at(week.period_starts - rule["days_before"] * DAY, rule["time"])
            for rule in (rules["booking_closes"], rules["cancellation_closes"])
        )
        if booking <= now:
            continue
        rows += [
            {
                "id": named_id("week", centre["code"], week.monday.isoformat(), group["name"]),
                "activity_id": activities[centre["code"]],
                "centre": centre["name"],
                "name": week.name,
                "group_name": group["name"],
                "min_age": group["ages"][0],
                "max_age": group["ages"][1],
                "dates": list(week.dates),
                "period": Range(week.dates[0], week.dates[-1], bounds="[]"),
                "places": group["places"],
                "taken": 0,
                "booking_closes_at": booking,
                "cancellation_closes_at": cancellation,
                "hold_minutes": rules["hold_minutes"],
                "version": 1,
            }
            for centre in town["centres"]
            if centre["code"] in activities
            for group in centre["groups"]
        ]
    return rows
