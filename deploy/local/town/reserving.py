"""The days that enrolments' usual weeks come to, as planning keeps them and tells of them."""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
from chassis.copies import keep
from chassis.database import copy
from chassis.identifiers import named_id
from contracts import Event
from contracts.enrolment import UsualWeek
from contracts.planning import EnrolmentApplied, RefusedDay, ReservationsChanged
from french.calendar import age_on
from planning.copies import Enrolment
from planning.deadlines.rules import WEEKDAYS, TownCalendar, of_day, span, still_open, why_none
from planning.reservations.models import Entry, PlanningMonth, Reservation, ReservationStatus, Slot
from planning.reservations.rules import FULL
from planning.slots.rules import NOWHERE, band_of
from planning.town import Town

from deploy.local.town.enrolling import Enrolled

Day = datetime.date
Rows = list[dict[str, Any]]

_ENROLMENT = keep(Enrolment)

#: No band has this name.
NO_PLACE = ""


@dataclass
class Batch:
    """Rows of planning's tables, and what is told of them."""

    enrolments: Rows = field(default_factory=list)
    reservations: Rows = field(default_factory=list)
    entries: Rows = field(default_factory=list)
    months: Counter[tuple[UUID, Day]] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)


class Reserving:
    """By the calendar and the rules of the town; it knows how many places are taken, and how many there are."""

    def __init__(self, town: Town) -> None:
        said = ((named_id("activity", entry.code), entry.rules()) for entry in town.activities)
        self.rules = {activity_id: rules for activity_id, rules in said if rules}
        self.calendar = TownCalendar(town.town.school_zone, {one.date: one.name for one in town.calendar.closed_days})
        self.slots: dict[tuple[UUID, UUID, Day, str], list[int]] = {}
        self.days, self.band = cache(self._days), cache(self._band)

    def of(self, enrolled: Iterable[Enrolled]) -> Batch:
        """What comes of their usual weeks."""
        batch = Batch()
        for one in enrolled:
            batch.enrolments.append(_ENROLMENT.row(one.event))
            asked = [day for week in one.event.usual_weeks for day in self._apply(batch, one, week)]
            batch.events.append(
                EnrolmentApplied(
                    version=one.event.version,
                    enrolment_id=one.event.enrolment_id,
                    reserved=tuple(day for day, there_is in asked if there_is),
                    refused=tuple(RefusedDay(date=day, reason=FULL.reason) for day, there_is in asked if not there_is),
                    cancelled=(),
                    still_due=(),
                )
            )
        return batch

    def _days(self, activity_id: UUID, week: UsualWeek) -> list[Day]:
        """Those of the wish that may still be reserved when it is asked for."""
        rules = self.rules[activity_id]
        return [
            day
            for day in span(week.valid_from, week.valid_to)
            if WEEKDAYS[day.weekday()] in week.days
            and why_none(rules, self.calendar, day) is None
            and still_open(of_day(rules, self.calendar, day).booking, week.asked_at)
        ]

    def _apply(self, batch: Batch, one: Enrolled, week: UsualWeek) -> Iterator[tuple[Day, bool]]:
        """Each day asked for, and whether there is a place."""
        event = one.event
        whose = {"child_id": event.child_id, "activity_id": event.activity_id}
        whole = {"dossier_id": event.dossier_id, "site_id": event.site_id}
        for month, some in groupby(self.days(event.activity_id, week), key=lambda day: day.replace(day=1)):
            asked = {day: self._take(one, day) for day in some}
            yield from ((day, band is not NO_PLACE) for day, band in asked.items())
            bands = {day: band for day, band in asked.items() if band is not NO_PLACE}
            if not bands:
                continue
            said = {"status": ReservationStatus.RESERVED, "version": 1, "changed_at": week.asked_at} | whose | whole
            batch.reservations += [{"day": day, "band": band, **said} for day, band in bands.items()]
            batch.entries.append(
                whose
                | {"month": month, "version": 1, "at": week.asked_at}
                | week.asked_by.model_dump()
                | {"dossier_id": event.dossier_id, "reserved": list(bands), "cancelled": []}
            )
            batch.months[event.dossier_id, month] += 1
            name = month.isoformat()[:7]
            reservations_id = named_id("reservations", str(event.child_id), str(event.activity_id), name)
            days = [{"date": day, **whole} for day in bands]
            told = whose | {"version": 1, "reservations_id": reservations_id, "month": name, "days": days}
            batch.events.append(ReservationsChanged.model_validate(told))

    def _take(self, one: Enrolled, day: Day) -> str | None:
        """In which band a place is taken on that day (none: it is not counted), or that it is full."""
        event = one.event
        band = self.band(event.activity_id, event.site_id, age_on(one.birth_date, day))
        if band is None:
            return None
        key, places = band
        slot = self.slots.setdefault((event.activity_id, event.site_id or NOWHERE, day, key), [0, places])
        if slot[0] == places:
            return NO_PLACE
        slot[0] += 1
        return key

    def _band(self, activity_id: UUID, site_id: UUID | None, age: int) -> tuple[str, int] | None:
        band = band_of(self.rules[activity_id].bands, site_id, age)
        return (band.key, band.places) if band else None

    async def store(self, connection: asyncpg.Connection, batch: Batch) -> None:
        """The batch; its families have no others."""
        await copy(connection, Enrolment.__table__, batch.enrolments)
        await copy(connection, Reservation.__table__, batch.reservations)
        await copy(connection, Entry.__table__, batch.entries)
        months = ({"dossier_id": one, "month": month, "version": n} for (one, month), n in batch.months.items())
        await copy(connection, PlanningMonth.__table__, months)

    async def store_slots(self, connection: asyncpg.Connection) -> None:
        names = ("activity_id", "site_id", "day", "band", "taken", "places")
        rows = (dict(zip(names, (*key, *counts), strict=True)) for key, counts in self.slots.items())
        await copy(connection, Slot.__table__, rows)
