"""What enrolment takes from a town's description: sites, activities, and the coming holiday weeks."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from chassis import clock
from chassis.identifiers import named_id
from chassis.outbox import publish
from chassis.towns import Code, Entry, Words, refers_to, unique_in
from contracts import Event
from contracts.enrolment import ActivityChanged, HolidayWeekChanged, Kind, SiteChanged
from french.calendar import DAY
from french.paris import at, day_in_paris
from pydantic import Field, field_validator, model_validator
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue.coming_weeks import coming_weeks
from enrolment.catalogue.models import Activity, HolidayWeek, Site
from enrolment.models import Base

Age = Annotated[int, Field(ge=0, le=25)]
Count = Annotated[int, Field(ge=0, le=100_000)]


class Commune(Entry):
    school_zone: Literal["A", "B", "C"]


class SiteEntry(Entry):
    code: Annotated[Code, unique_in("schools", "centres")]
    name: Words


class Group(Entry):
    """`ages` are the youngest and the oldest."""

    name: Words
    ages: Annotated[list[Age], Field(min_length=2, max_length=2)]
    places: Count

    @field_validator("ages")
    @classmethod
    def _youngest_first(cls, ages: list[int]) -> list[int]:
        if ages[0] > ages[1]:
            raise ValueError("L'âge le plus bas vient en premier.")
        return ages


class Centre(SiteEntry):
    groups: Annotated[list[Group], Field(min_length=1)]

    @field_validator("groups")
    @classmethod
    def _names_differ(cls, groups: list[Group]) -> list[Group]:
        return _each_once(groups, [group.name for group in groups], "Deux groupes portent le nom « {} ».")


class ActivityEntry(Entry):
    code: Annotated[Code, unique_in("activities")]
    name: Words
    kind: Kind
    centre: Annotated[Code, refers_to("centres")] | None = None
    payment: Literal["immediate", "monthly"]
    charging: Literal["reservation", "attendance", "flat"]
    regie: Annotated[Code, refers_to("regies")]

    @model_validator(mode="after")
    def _holidays_are_spent_somewhere(self) -> "ActivityEntry":
        if self.kind == "extrascolaire" and self.centre is None:
            raise ValueError("Une activité extrascolaire indique son centre.")
        return self


class Deadline(Entry):
    """Counted from the first day of the holiday period."""

    days_before: Annotated[int, Field(ge=0, le=365)]
    time: datetime.time


class HolidayWeeks(Entry):
    booking_closes: Deadline
    cancellation_closes: Deadline
    hold_minutes: Annotated[int, Field(ge=1, le=1440)]


class Town(Entry):
    town: Commune
    schools: list[SiteEntry]
    centres: list[Centre]
    activities: list[ActivityEntry]
    holiday_weeks: HolidayWeeks

    @field_validator("activities")
    @classmethod
    def _one_holiday_activity_a_centre(cls, activities: list[ActivityEntry]) -> list[ActivityEntry]:
        centres = [entry.centre or "" for entry in activities if entry.kind == "extrascolaire"]
        return _each_once(activities, centres, "Le centre « {} » a plusieurs activités extrascolaires.")


T = TypeVar("T")


def _each_once(entries: list[T], names: list[str], sentence: str) -> list[T]:
    for name, times in Counter(names).items():
        if times > 1:
            raise ValueError(sentence.format(name))
    return entries


async def load(session: AsyncSession, town: Town) -> None:
    """Store what is absent and publish that alone."""
    sites = [
        {"id": named_id("site", site.code), "code": site.code, "kind": kind, "name": site.name, "version": 1}
        for kind, found in (("school", town.schools), ("centre", town.centres))
        for site in found
    ]
    rows: tuple[tuple[type[Event], type[Base], list[dict[str, Any]]], ...] = (
        (SiteChanged, Site, sites),
        (ActivityChanged, Activity, [_activity(entry) for entry in town.activities]),
        (HolidayWeekChanged, HolidayWeek, _holiday_weeks(town)),
    )
    for event, table, wanted in rows:
        added = await _add(session, table, wanted)
        await publish(session, *(event(**{event.subject_field: row["id"]}, **_facts(event, row)) for row in added))


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


def _activity(entry: ActivityEntry) -> dict[str, Any]:
    return entry.model_dump(exclude={"centre"}) | {
        "id": named_id("activity", entry.code),
        "site_id": named_id("site", entry.centre) if entry.centre else None,
        "version": 1,
    }


def _holiday_weeks(town: Town) -> list[dict[str, Any]]:
    """A row for each coming week, centre and age group that can still be booked."""
    now, rules = clock.now(), town.holiday_weeks
    activities = {
        entry.centre: named_id("activity", entry.code) for entry in town.activities if entry.kind == "extrascolaire"
    }
    rows = []
    for week in coming_weeks(town.town.school_zone, day_in_paris(now)):
        booking, cancellation = (
            at(week.period_starts - rule.days_before * DAY, rule.time)
            for rule in (rules.booking_closes, rules.cancellation_closes)
        )
        if booking <= now:
            continue
        rows += [
            {
                "id": named_id("week", centre.code, week.monday.isoformat(), group.name),
                "activity_id": activities[centre.code],
                "site_id": named_id("site", centre.code),
                "centre": centre.name,
                "name": week.name,
                "group_name": group.name,
                "min_age": group.ages[0],
                "max_age": group.ages[1],
                "dates": list(week.dates),
                "period": Range(week.dates[0], week.dates[-1], bounds="[]"),
                "places": group.places,
                "taken": 0,
                "booking_closes_at": booking,
                "cancellation_closes_at": cancellation,
                "hold_minutes": rules.hold_minutes,
                "version": 1,
            }
            for centre in town.centres
            if centre.code in activities
            for group in centre.groups
        ]
    return rows
