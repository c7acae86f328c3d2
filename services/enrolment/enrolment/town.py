"""What enrolment takes from a town's description: sites, activities, school years, holiday weeks, enrolments."""

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Annotated, Any, Literal, TypeVar

from chassis import clock
from chassis.database import copy
from chassis.identifiers import named_id
from chassis.outbox import publish
from chassis.towns import Code, Entry, Matching, Words, refers_to, unique_in
from contracts import Event
from contracts.dossier import Level
from contracts.enrolment import ActivityChanged, HolidayWeekChanged, Kind, SiteChanged
from french.calendar import DAY, school_days, school_year
from french.paris import at, day_in_paris
from pydantic import AfterValidator, Field, field_validator, model_validator
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue import school_years
from enrolment.catalogue.coming_weeks import coming_weeks
from enrolment.catalogue.models import (
    Activity,
    EnrolmentWindow,
    HolidayWeek,
    HouseRules,
    HouseRulesAcceptance,
    SchoolYear,
    Site,
)
from enrolment.enrolments import described
from enrolment.enrolments.described import FamilyEntry
from enrolment.enrolments.enrolments import event_of
from enrolment.enrolments.models import Enrolment
from enrolment.models import Base
from enrolment.waiting_list.models import WaitingRules

Age = Annotated[int, Field(ge=0, le=25)]
Count = Annotated[int, Field(ge=0, le=100_000)]


def _youngest_first(ages: list[int]) -> list[int]:
    if ages[0] > ages[1]:
        raise ValueError("L'âge le plus bas vient en premier.")
    return ages


def _consecutive(year: str) -> str:
    if int(year[:4]) + 1 != int(year[5:]):
        raise ValueError("Une année scolaire est de deux années qui se suivent.")
    return year


Year = Annotated[
    str,
    Matching("20[0-9]{2}-20[0-9]{2}", "Une année scolaire est attendue, comme « 2026-2027 »."),
    AfterValidator(_consecutive),
]
#: The youngest and the oldest, both included.
Ages = Annotated[list[Age], Field(min_length=2, max_length=2), AfterValidator(_youngest_first)]


class Commune(Entry):
    school_zone: Literal["A", "B", "C"]


class SiteEntry(Entry):
    code: Annotated[Code, unique_in("schools", "centres")]
    name: Words


class Group(Entry):
    name: Words
    ages: Ages
    places: Count


class Centre(SiteEntry):
    groups: Annotated[list[Group], Field(min_length=1)]

    @field_validator("groups")
    @classmethod
    def _names_differ(cls, groups: list[Group]) -> list[Group]:
        return _each_once(groups, [group.name for group in groups], "Deux groupes portent le nom « {} ».")


class YearMoment(Entry):
    """Counted from the first day of a school year; days before it are negative."""

    days: Annotated[int, Field(ge=-365, le=365)]
    time: datetime.time

    def of(self, year: "SchoolYearEntry") -> datetime.datetime:
        return at(year.first_day + self.days * DAY, self.time)


class ActivityEntry(Entry):
    """Open to whoever has these ages, levels and schools (`sector`), enrolled by families in this window."""

    code: Annotated[Code, unique_in("activities")]
    name: Words
    kind: Kind
    centre: Annotated[Code, refers_to("centres")] | None = None
    payment: Literal["immediate", "monthly"]
    charging: Literal["reservation", "attendance", "flat"]
    regie: Annotated[Code, refers_to("regies")]
    ages: Ages | None = None
    levels: Annotated[list[Level], Field(min_length=1)] | None = None
    sector: Annotated[list[Annotated[Code, refers_to("schools")]], Field(min_length=1)] | None = None
    enrolment_opens: YearMoment | None = None
    enrolment_closes: YearMoment | None = None

    @model_validator(mode="after")
    def _holidays_are_spent_somewhere(self) -> "ActivityEntry":
        if self.kind == "extrascolaire" and self.centre is None:
            raise ValueError("Une activité extrascolaire indique son centre.")
        return self

    @model_validator(mode="after")
    def _holidays_are_booked_by_weeks(self) -> "ActivityEntry":
        names = ("ages", "levels", "sector", "enrolment_opens", "enrolment_closes")
        if self.kind == "extrascolaire" and any(getattr(self, name) is not None for name in names):
            raise ValueError(
                f"Une activité extrascolaire n'a pas de {', '.join(names)} : voir centres et holiday_weeks."
            )
        return self

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> "ActivityEntry":
        opens, closes = self.enrolment_opens, self.enrolment_closes
        if opens and closes and (opens.days, opens.time) >= (closes.days, closes.time):
            raise ValueError("Les inscriptions ouvrent avant de se clore.")
        return self


class Deadline(Entry):
    """Counted from the first day of the holiday period."""

    days_before: Annotated[int, Field(ge=0, le=365)]
    time: datetime.time

    def before(self, period_starts: datetime.date) -> datetime.datetime:
        return at(period_starts - self.days_before * DAY, self.time)


class HolidayWeeks(Entry):
    """Booking is always open where nothing is said of its opening, for residents so many days earlier."""

    booking_opens: Deadline | None = None
    residents_first_days: Annotated[int, Field(ge=1, le=365)] | None = None
    booking_closes: Deadline
    cancellation_closes: Deadline
    hold_minutes: Annotated[int, Field(ge=1, le=1440)]

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> "HolidayWeeks":
        opens, closes = self.booking_opens, self.booking_closes
        if opens and (opens.days_before, closes.time) <= (closes.days_before, opens.time):
            raise ValueError("Les réservations ouvrent avant de se clore.")
        if self.residents_first_days and not opens:
            raise ValueError("Il manque booking_opens : les habitants réservent plus tôt que les autres.")
        return self


class SchoolYearEntry(Entry):
    """From the first to the last day of school."""

    name: Annotated[Year, unique_in("school_years", by="name")]
    first_day: datetime.date
    last_day: datetime.date

    @model_validator(mode="after")
    def _lies_in_its_years(self) -> "SchoolYearEntry":
        if f"{self.first_day.year}-{self.last_day.year}" != self.name:
            raise ValueError("Une année scolaire commence dans la première de ses deux années et finit dans l'autre.")
        return self


class HouseRulesEntry(Entry):
    """The règlement from that school year on, accepted anew each year; `accepted`: by the families described here."""

    since: Year = Field(alias="from")
    version: Words
    title: Words
    text: Words
    accepted: bool = False


class GeneratedFamilies(Entry):
    count: Annotated[int, Field(ge=0)]
    first_number: int


class WaitingCriterion(Entry):
    """`certified` is what an agent certifies in a dossier, under this code."""

    code: Code
    kind: Literal["resident", "sibling", "certified"]
    points: Annotated[int, Field(ge=0, le=1000)]
    explanation: Words


class WaitingList(Entry):
    """How long an offered place is kept for the family, and what the town gives priority to."""

    offer_hours: Annotated[int, Field(ge=1, le=336)]
    criteria: list[WaitingCriterion]

    @field_validator("criteria")
    @classmethod
    def _codes_differ(cls, criteria: list[WaitingCriterion]) -> list[WaitingCriterion]:
        return _each_once(criteria, [one.code for one in criteria], "Deux critères portent le code « {} ».")


class Town(Entry):
    town: Commune
    schools: list[SiteEntry]
    centres: list[Centre]
    activities: list[ActivityEntry]
    holiday_weeks: HolidayWeeks
    waiting_list: WaitingList
    school_years: list[SchoolYearEntry] = Field(default=[])
    house_rules: list[HouseRulesEntry] = Field(default=[])
    families: list[FamilyEntry] = Field(default=[])
    generated_families: GeneratedFamilies | None = None

    @field_validator("house_rules")
    @classmethod
    def _one_a_year(cls, entries: list[HouseRulesEntry]) -> list[HouseRulesEntry]:
        return _each_once(entries, [entry.since for entry in entries], "Deux règlements valent à partir de {}.")

    @model_validator(mode="after")
    def _holidays_take_no_enrolment(self) -> "Town":
        by_the_week = {entry.code for entry in self.activities if entry.kind == "extrascolaire"}
        for family in self.families:
            for child in family.children:
                if taken := by_the_week.intersection(one.activity for one in child.enrolments):
                    raise ValueError(
                        f"« {taken.pop()} » se réserve à la semaine : {child.first_name} ({family.number}) ne peut pas "
                        "y être inscrit à l'année."
                    )
        return self

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
    """Store what is absent and publish that alone; of the waiting list, what the description says now."""
    today = day_in_paris(clock.now())
    rules = town.waiting_list.model_dump()
    kept = insert(WaitingRules).values(only_row=True, **rules)
    await session.execute(kept.on_conflict_do_update(index_elements=["only_row"], set_=rules))
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
    new: set[Any] = set()
    for event, table, wanted in rows:
        added = await _add(session, table, wanted)
        new |= {row["id"] for row in added}
        await publish(session, *(event(**{event.subject_field: row["id"]}, **_facts(event, row)) for row in added))
    years = list(_school_years(town, today))
    new |= {row["name"] for row in await _add(session, SchoolYear, [year.model_dump() for year in years])}
    # What an administrator has made of a window since stays as it is.
    windows = [row for row in _windows(town, years) if {row["activity_id"], row["school_year"]} & new]
    await _add(session, EnrolmentWindow, windows)
    await _house_rules(session, town, years, today)
    await _enrolments(session, town)


def _facts(event: type[Event], row: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the row's columns that the event has under the same name."""
    return {name: row[name] for name in event.model_fields.keys() & row.keys()}


async def _add(session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Insert the rows whose key is absent; answers those."""
    if not rows:
        return []
    keys = list(table.__table__.primary_key)
    found = await session.execute(insert(table).values(rows).on_conflict_do_nothing().returning(*keys))
    added = {tuple(key) for key in found}
    return [row for row in rows if tuple(row[column.name] for column in keys) in added]


def _activity(entry: ActivityEntry) -> dict[str, Any]:
    youngest, oldest = entry.ages or (None, None)
    return entry.model_dump(include={"code", "name", "kind", "payment", "charging", "regie"}) | {
        "id": named_id("activity", entry.code),
        "site_id": named_id("site", entry.centre) if entry.centre else None,
        "min_age": youngest,
        "max_age": oldest,
        "levels": entry.levels or [],
        "sector": [named_id("site", code) for code in entry.sector or ()],
        "version": 1,
    }


def _school_years(town: Town, today: datetime.date) -> Iterator[SchoolYearEntry]:
    """The running one, or in summer the one just over, and the next: as the town says, else by the holidays."""
    said = {year.name: year for year in town.school_years}
    for name in (school_year(today), school_year(today.replace(year=today.year + 1, day=1))):
        first, last = school_days(town.town.school_zone, name)
        yield said.get(name) or SchoolYearEntry(name=name, first_day=first, last_day=last)


def _windows(town: Town, years: Sequence[SchoolYearEntry]) -> Iterator[dict[str, Any]]:
    for entry in town.activities:
        if entry.enrolment_opens or entry.enrolment_closes:
            for year in years:
                yield {
                    "activity_id": named_id("activity", entry.code),
                    "school_year": year.name,
                    "opens_at": entry.enrolment_opens.of(year) if entry.enrolment_opens else None,
                    "closes_at": entry.enrolment_closes.of(year) if entry.enrolment_closes else None,
                }


async def _enrolments(session: AsyncSession, town: Town) -> None:
    """Of the children described here, in the first school year not over; those that were there stay as they are."""
    now = clock.now()
    year = await school_years.current(session, day_in_paris(now))
    if year is None:
        return
    centres = {entry.code: entry.centre for entry in town.activities}
    added = await _add(session, Enrolment, list(described.rows(town.families, centres, year, now)))
    await publish(session, *(event_of(Enrolment(**row)) for row in added))


async def _house_rules(
    session: AsyncSession, town: Town, years: Sequence[SchoolYearEntry], today: datetime.date
) -> None:
    """Each year's règlement, and that the families described here have accepted that of the first year not over."""
    first_accepted = next((year.name for year in years if today <= year.last_day), None)
    for year in years:
        entries = [entry for entry in town.house_rules if entry.since <= year.name]
        if not entries:
            continue
        entry = max(entries, key=lambda one: one.since)
        row = entry.model_dump(include={"version", "title", "text"}) | {"school_year": year.name}
        await _add(session, HouseRules, [row])
        if entry.accepted and year.name == first_accepted:
            await _accept(session, town, year.name)


async def _accept(session: AsyncSession, town: Town, year: str) -> None:
    """As the stored règlement is; enrolment need not have heard of the dossiers: they are named by their numbers."""
    version = await session.scalar(select(HouseRules.version).where(HouseRules.school_year == year))
    accepted = select(HouseRulesAcceptance.dossier_id).where(HouseRulesAcceptance.school_year == year)
    known = set(await session.scalars(accepted))
    rows = (
        {
            "dossier_id": dossier_id,
            "school_year": year,
            "version": version,
            "accepted_at": clock.now(),
        }
        for dossier_id in (named_id("dossier", number) for number in _numbers(town))
        if dossier_id not in known
    )
    await copy(session, HouseRulesAcceptance.__table__, rows)


def _numbers(town: Town) -> Iterator[str]:
    """Of all the dossiers that the description makes."""
    written = {family.number for family in town.families}
    yield from written
    if drawn := town.generated_families:
        numbers = (str(number) for number in count(drawn.first_number))
        yield from islice((number for number in numbers if number not in written), drawn.count)


def _holiday_weeks(town: Town) -> list[dict[str, Any]]:
    """A row for each coming week, centre and age group that can still be booked."""
    now, rules = clock.now(), town.holiday_weeks
    activities = {
        entry.centre: named_id("activity", entry.code) for entry in town.activities if entry.kind == "extrascolaire"
    }
    rows = []
    for week in coming_weeks(town.town.school_zone, day_in_paris(now)):
        closes, cancellation = (
            rule.before(week.period_starts) for rule in (rules.booking_closes, rules.cancellation_closes)
        )
        if closes <= now:
            continue
        opens, early = rules.booking_opens, rules.residents_first_days
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
                "booking_opens_at": opens.before(week.period_starts) if opens else None,
                "residents_open_at": opens.before(week.period_starts - early * DAY) if opens and early else None,
                "booking_closes_at": closes,
                "cancellation_closes_at": cancellation,
                "hold_minutes": rules.hold_minutes,
                "version": 1,
            }
            for centre in town.centres
            if centre.code in activities
            for group in centre.groups
        ]
    return rows
