"""The feed as iCalendar (RFC 5545) has it: one all-day event for each child, activity and day. Pure."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from french.calendar import DAY
from icalendar import Calendar, Event, Timezone, vDuration

#: What is older leaves the feed; so does what was given up longer ago.
SHOWN = timedelta(days=30)
#: How often a calendar is asked to look again.
REFRESH = timedelta(hours=1)

_TIME_ZONE = "Europe/Paris"


class Cell(NamedTuple):
    """A day of a child in an activity, with their names."""

    child_id: UUID
    first_name: str
    activity_id: UUID
    activity_name: str
    date: date


class Trace(NamedTuple):
    """That a booking (`of`) or a reservation (none), at that version, has the day, or had it until `given_up_at`."""

    of: UUID | None
    version: int
    given_up_at: datetime | None


class FeedDay(NamedTuple):
    """A day that is reserved, or lately was; `sequence` grows with each change of it."""

    cell: Cell
    reserved: bool
    sequence: int

    @property
    def uid(self) -> str:
        """The same for as long as there is that day, whatever becomes of it; it names nobody."""
        return f"{uuid5(self.cell.child_id, f'{self.cell.activity_id} {self.cell.date}')}@espace-familles"


def told(traces: Iterable[tuple[Cell, Trace]], now: datetime) -> Iterator[FeedDay]:
    """What the traces of each cell come to; whatever left them, each counts once."""
    cells: dict[Cell, list[Trace]] = {}
    for cell, trace in traces:
        cells.setdefault(cell, []).append(trace)
    for cell, left in cells.items():
        reserved = any(trace.given_up_at is None for trace in left)
        lately = any(trace.given_up_at and trace.given_up_at > now - SHOWN for trace in left)
        if reserved or lately:
            yield FeedDay(cell, reserved, sum({trace.of: trace.version for trace in left}.values()))


def written(days: Iterable[FeedDay], now: datetime) -> bytes:
    """The days in order, as a whole calendar: the child's first name and the activity, and nothing else about them."""
    calendar = Calendar()
    calendar.add("PRODID", "-//Espace Familles//Planning//FR")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "PUBLISH")
    calendar.add("X-WR-CALNAME", "Espace Familles")
    calendar.add("X-WR-TIMEZONE", _TIME_ZONE)
    calendar.add("REFRESH-INTERVAL", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    # Days have no hours, but a calendar without any day must have some component.
    calendar.add_component(Timezone.from_tzid(_TIME_ZONE, first_date=(now - SHOWN).date()))
    for day in sorted(days, key=lambda day: (day.cell.date, day.cell.first_name, day.cell.activity_name, day.uid)):
        calendar.add_component(_event(day, now))
    return bytes(calendar.to_ical())


def _event(day: FeedDay, now: datetime) -> Event:
    event = Event()
    event.add("UID", day.uid)
    event.add("DTSTAMP", now)
    event.add("SEQUENCE", day.sequence)
    event.add("STATUS", "CONFIRMED" if day.reserved else "CANCELLED")
    event.add("DTSTART", day.cell.date)
    event.add("DTEND", day.cell.date + DAY)
    event.add("SUMMARY", f"{day.cell.first_name} : {day.cell.activity_name}")
    event.add("TRANSP", "TRANSPARENT")  # a child's day, not the parent's
    return event
