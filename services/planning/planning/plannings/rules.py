"""The cells of a month: for each child and activity, one cell a day. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, product
from typing import Literal, NamedTuple
from uuid import UUID

from french.calendar import DAY, last_day

from planning.deadlines.rules import TownCalendar, span
from planning.reservations.rules import (
    BOOKED_ELSEWHERE,
    CHANGED_ELSEWHERE,
    FULL,
    NOT_ENROLLED,
    OTHER_FAMILY,
    UNKNOWN,
    Change,
    Line,
    deadlines,
    too_late,
    why_not,
    why_not_there,
)


class BookedDay(NamedTuple):
    """A day of a holiday week. Names and `cancellation_closes_at` are none until their copies have arrived."""

    child_id: UUID
    child_first_name: str | None
    activity_id: UUID
    activity_name: str | None
    date: date
    booking_id: UUID
    booking_status: Literal["confirmed", "paid"]
    cancellation_closes_at: datetime | None


class Place(NamedTuple):
    """Of a slot without a place left: its day, site and band."""

    day: date
    site_id: UUID | None
    band: str


@dataclass(frozen=True, slots=True)
class Cell:
    """`change_until` and `reason` say until when, and why not here; `reason` is in French."""

    date: date
    status: Literal["closed", "open", "reserved"]
    can_change: bool
    change_until: datetime | None = None
    reason: str | None = None
    booking_id: UUID | None = None
    booking_status: Literal["confirmed", "paid"] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    child_id: UUID
    child_first_name: str | None
    activity_id: UUID
    activity_name: str | None
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class DraftedDay:
    """A wish of a draft; `change_until` is its deadline, `reason` why it cannot be validated now (none: it can)."""

    child_id: UUID
    activity_id: UUID
    date: date
    reserve: bool
    change_until: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    kept_at: datetime
    changes: Sequence[DraftedDay]


def is_in_month(line: Line) -> bool:
    """Whether there is a day of it in its month, reserved or to be."""
    last = last_day(line.month)
    return bool(line.held) or any(
        one.first <= one.last and one.first <= last and one.last >= line.month for one in line.enrolled
    )


def drafted(
    changes: Iterable[Change], lines: Iterable[tuple[Line, Collection[Place]]], calendar: TownCalendar, now: datetime
) -> list[DraftedDay]:
    """The wishes of a draft as they stand at that moment; a line comes with its places that are gone."""
    known = {(line.child_id, line.activity_id): (line, gone) for line, gone in lines}
    return [_drafted(change, known.get((change.child_id, change.activity_id)), calendar, now) for change in changes]


def _drafted(
    change: Change, known: tuple[Line, Collection[Place]] | None, calendar: TownCalendar, now: datetime
) -> DraftedDay:
    if known is None:
        return DraftedDay(*change, None, UNKNOWN)
    line, gone = known
    until = deadlines(line, calendar, change.day)
    moment = None
    if until is not None:
        moment = until.booking if change.reserve else until.cancellation
    why = None
    if change.reserve is not (change.day in line.held) or line.is_others(change.day):  # what is so already is no error
        why = why_not(line, calendar, change, now, late=False)
        if why is None and change.reserve and _is_full(line, gone, change.day):
            why = FULL
    return DraftedDay(*change, moment, why and why.reason)


def rows(
    first: date,
    lines: Iterable[tuple[Line, Collection[Place]]],
    booked: Iterable[BookedDay],
    calendar: TownCalendar,
    now: datetime,
) -> list[Row]:
    """The month that begins on `first`, by child and activity in the order of their names.

    A line comes with its places that are gone.
    """
    days = list(span(first, last_day(first)))
    made = [
        Row(
            line.child_id,
            line.first_name,
            line.activity_id,
            line.activity_name,
            [_cell(line, gone, calendar, day, now) for day in days],
        )
        for line, gone in lines
    ]
    for _, group in groupby(sorted(booked, key=_row_of), key=_row_of):
        by_date = {day.date: day for day in group}
        one = next(iter(by_date.values()))
        cells = [_booked(day, by_date) for day in days]
        made.append(Row(one.child_id, one.child_first_name, one.activity_id, one.activity_name, cells))
    return sorted(made, key=_row_of)


class Wish(NamedTuple):
    """A day of a child in an activity that would have to be reserved, or given up; `reason` why it cannot be."""

    child_id: UUID
    activity_id: UUID
    date: date
    reserve: bool
    reason: str | None = None


@dataclass(frozen=True)
class Copied:
    """What would have to change in the weeks for them to be like the one, in order; and what cannot change."""

    changes: Sequence[Wish]
    refused: Sequence[Wish]


def copied(rows: Iterable[Row], draft: Iterable[DraftedDay], week: date, to: Sequence[date]) -> Copied:
    """The rows are those of each month that the weeks (their Mondays) are in; the draft's ticks lie over them.

    A day on which nothing takes place in the week says nothing of the same weekday in others. A booked holiday week is
    copied by nobody.
    """
    cells = {(row.child_id, row.activity_id, cell.date): cell for row in rows for cell in row.cells}
    wished = {(day.child_id, day.activity_id, day.date): day.reserve for day in draft}
    changes, refused = [], []
    for child_id, activity_id in dict.fromkeys(key[:2] for key in cells):
        for monday, n in product(to, range(7)):
            source = child_id, activity_id, week + n * DAY
            target = child_id, activity_id, monday + n * DAY
            like = cells.get(source)
            if like is None or like.booking_id or (like.status == "closed" and source not in wished):
                continue
            wanted = wished.get(source, like.status == "reserved")
            cell = cells.get(target)
            reserved = cell is not None and cell.status == "reserved"
            if wanted is wished.get(target, reserved):
                continue
            if wanted is reserved or (cell is not None and cell.can_change):
                changes.append(Wish(*target, wanted))
            else:
                refused.append(Wish(*target, wanted, NOT_ENROLLED if cell is None else cell.reason))
    return Copied(changes, refused)


def _row_of(one: Row | BookedDay) -> tuple[str, str, UUID, UUID]:
    return one.child_first_name or "", one.activity_name or "", one.child_id, one.activity_id


def _cell(line: Line, gone: Collection[Place], calendar: TownCalendar, day: date, now: datetime) -> Cell:
    if line.is_others(day):
        return Cell(day, "closed", False, None, OTHER_FAMILY.reason)
    reserved = day in line.held
    if not reserved and (why := why_not_there(line, calendar, day)):
        return Cell(day, "closed", False, None, why.reason)
    status: Literal["open", "reserved"] = "reserved" if reserved else "open"
    until = deadlines(line, calendar, day)
    if until is None:
        return Cell(day, status, True)
    moment = until.cancellation if reserved else until.booking
    if not (why := too_late(moment, now, reserve=not reserved)) and not reserved and _is_full(line, gone, day):
        why = FULL
    return Cell(day, status, why is None, moment, why and why.reason)


def _is_full(line: Line, gone: Collection[Place], day: date) -> bool:
    enrolment = line.enrolment(day)
    band = line.band(enrolment and enrolment.site_id, day)
    return band is not None and (band.places == 0 or Place(day, enrolment and enrolment.site_id, band.key) in gone)


def _booked(day: date, booked: Mapping[date, BookedDay]) -> Cell:
    one = booked.get(day)
    if one is None:
        return Cell(day, "closed", False, None, BOOKED_ELSEWHERE)
    until = one.cancellation_closes_at
    return Cell(day, "reserved", False, until, CHANGED_ELSEWHERE, one.booking_id, one.booking_status)
