"""What planning takes from a town's description: its calendar, and the rules of its activities."""

from typing import Annotated, Literal

from chassis.identifiers import named_id
from chassis.towns import Code, Entry, refers_to
from contracts.enrolment import Kind
from pydantic import AfterValidator, Field, model_validator
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from planning.deadlines.models import ActivityRules, Calendar, ClosedDay
from planning.deadlines.rules import ClosedDays, Rule, Rules, Weekdays
from planning.slots.rules import Ages, Band, Places, apart


class Commune(Entry):
    school_zone: Literal["A", "B", "C"]


class CalendarEntry(Entry):
    closed_days: ClosedDays


class BandEntry(Entry):
    """`ages` are the youngest and the oldest; without a site it is that of every site that has none of its own."""

    ages: Ages
    places: Places
    site: Annotated[Code, refers_to("schools", "centres")] | None = None

    def band(self) -> Band:
        return Band(ages=self.ages, places=self.places, site_id=self.site and named_id("site", self.site))


def _apart(entries: list[BandEntry]) -> list[BandEntry]:
    apart([entry.band() for entry in entries])
    return entries


class ActivityEntry(Entry):
    """Holiday weeks have deadlines and places of their own."""

    code: Code
    kind: Kind
    weekdays: Annotated[Weekdays, Field(min_length=1)] | None = None
    booking_deadline: Rule | None = None
    cancellation_deadline: Rule | None = None
    bands: Annotated[list[BandEntry], AfterValidator(_apart), Field(default_factory=list)]

    @model_validator(mode="after")
    def _has_its_rules(self) -> "ActivityEntry":
        names = ("weekdays", "booking_deadline", "cancellation_deadline")
        if self.kind == "extrascolaire":
            if self.bands or any(getattr(self, name) is not None for name in names):
                never = ", ".join((*names, "bands"))
                raise ValueError(f"Une activité extrascolaire n'a pas de {never} : voir holiday_weeks.")
        elif missing := [name for name in names if getattr(self, name) is None]:
            raise ValueError(f"Il manque : {', '.join(missing)}.")
        return self

    def rules(self) -> Rules | None:
        """None: its weeks have theirs."""
        if self.weekdays is None or self.booking_deadline is None or self.cancellation_deadline is None:
            return None
        return Rules(
            weekdays=self.weekdays,
            booking_deadline=self.booking_deadline,
            cancellation_deadline=self.cancellation_deadline,
            bands=[entry.band() for entry in self.bands],
        )


class Town(Entry):
    town: Commune
    calendar: CalendarEntry
    activities: list[ActivityEntry]


async def load(session: AsyncSession, town: Town) -> None:
    """Store what is not there yet: what an administrator has changed since stays as it is."""
    calendar = insert(Calendar).values(only_row=True, version=1, school_zone=town.town.school_zone)
    added = await session.scalar(calendar.on_conflict_do_nothing().returning(Calendar.only_row))
    if added and town.calendar.closed_days:
        closed = [{"day": one.date, "name": one.name} for one in town.calendar.closed_days]
        await session.execute(insert(ClosedDay).values(closed))
    rows = [
        {"activity_id": named_id("activity", entry.code), "version": 1, **said.model_dump(mode="json")}
        for entry in town.activities
        if (said := entry.rules())
    ]
    if rows:
        await session.execute(insert(ActivityRules).values(rows).on_conflict_do_nothing())
