"""The cells of a month: for each child and activity with booked days, one cell a day."""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Literal
from uuid import UUID


class BookingStatus(StrEnum):
    CONFIRMED = "confirmed"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


#: Bookings whose days are reserved. Revival makes an expired one confirmed again: only the version tells what is true.
STANDING = frozenset({BookingStatus.CONFIRMED, BookingStatus.PAID})

CHANGED_ELSEWHERE = "Cette semaine de vacances se modifie ou s'annule depuis la rubrique Inscription."
BOOKED_ELSEWHERE = "Les semaines de vacances se réservent depuis la rubrique Inscription."


@dataclass(frozen=True)
class BookedDay:
    """Names and `cancellation_closes_at` are none until their copies have arrived."""

    child_id: UUID
    child_first_name: str | None
    activity_id: UUID
    activity_name: str | None
    date: date
    booking_id: UUID
    booking_status: BookingStatus
    cancellation_closes_at: datetime | None


@dataclass(frozen=True)
class Cell:
    """`change_until` and `reason` say until when, and why not here; `reason` is in French."""

    date: date
    status: Literal["closed", "open", "reserved"]
    booking_id: UUID | None
    booking_status: BookingStatus | None
    can_change: bool
    change_until: datetime | None
    reason: str | None


@dataclass(frozen=True)
class Row:
    child_id: UUID
    child_first_name: str | None
    activity_id: UUID
    activity_name: str | None
    cells: tuple[Cell, ...]


def first_day(month: str) -> date:
    """Of a month written YYYY-MM; raises ValueError, with a sentence in French, for anything else."""
    if not re.fullmatch("[1-9][0-9]{3}-(0[1-9]|1[0-2])", month):
        raise ValueError("Un mois est attendu (AAAA-MM).")
    year, number = month.split("-")
    return date(int(year), int(number), 1)


def last_day(first: date) -> date:
    """Of the month that begins on `first`."""
    return first.replace(day=monthrange(first.year, first.month)[1])


def rows(first: date, booked: Iterable[BookedDay]) -> list[Row]:
    """The month that begins on `first`, by child's name, then activity's; days of other months are passed over."""
    days = [first + timedelta(days=n) for n in range(last_day(first).day)]

    def row(day: BookedDay) -> tuple[str, str, UUID, UUID]:
        return day.child_first_name or "", day.activity_name or "", day.child_id, day.activity_id

    made = []
    in_month = (day for day in booked if first <= day.date <= days[-1])
    for _, group in groupby(sorted(in_month, key=row), key=row):
        by_date = {day.date: day for day in group}
        one = next(iter(by_date.values()))
        cells = tuple(_cell(day, by_date.get(day)) for day in days)
        made.append(Row(one.child_id, one.child_first_name, one.activity_id, one.activity_name, cells))
    return made


def _cell(day: date, booked: BookedDay | None) -> Cell:
    if booked is None:
        return Cell(day, "closed", None, None, False, None, BOOKED_ELSEWHERE)
    return Cell(
        day,
        "reserved",
        booked.booking_id,
        booked.booking_status,
        False,
        booked.cancellation_closes_at,
        CHANGED_ELSEWHERE,
    )
