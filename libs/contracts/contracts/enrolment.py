"""Events that enrolment publishes."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.envelope import Event, Fact
from contracts.notices import NoticeWritten as Notice

Kind = Literal["periscolaire", "restauration", "extrascolaire"]
SiteKind = Literal["school", "centre"]


class SiteChanged(Event):
    """A school or a leisure centre; `code` names it in the town's file."""

    type: ClassVar[str] = "enrolment.site_changed"
    subject_field: ClassVar[str] = "site_id"

    site_id: UUID
    code: str
    kind: SiteKind
    name: str


class ActivityChanged(Event):
    """A catalogue entry. `regie` is the code of the régie that collects for it; `code` names it in the town's file."""

    type: ClassVar[str] = "enrolment.activity_changed"
    subject_field: ClassVar[str] = "activity_id"

    activity_id: UUID
    code: str
    name: str
    kind: Kind
    site_id: UUID | None
    payment: Literal["immediate", "monthly"]
    charging: Literal["reservation", "attendance", "flat"]
    regie: str


class HolidayWeekChanged(Event):
    """A centre's week for one age group: `activity_id` is its extrascolaire activity, `dates` the open days."""

    type: ClassVar[str] = "enrolment.holiday_week_changed"
    subject_field: ClassVar[str] = "holiday_week_id"

    holiday_week_id: UUID
    activity_id: UUID
    centre: str
    name: str
    dates: tuple[date, ...]
    booking_closes_at: AwareDatetime
    cancellation_closes_at: AwareDatetime


class BookingLine(Fact):
    """One child in one holiday week; `dates` in order."""

    child_id: UUID
    holiday_week_id: UUID
    activity_id: UUID
    dates: tuple[date, ...]


BookingStatus = Literal["held", "confirmed", "paid", "expired", "cancelled"]


class Booking(Event):
    """The one shape of every booking event: the booking as it is now.

    `quote_id` and `confirmed_at` are none while it was never confirmed; `refundable` speaks of a cancelled one.
    """

    subject_field: ClassVar[str] = "booking_id"

    booking_id: UUID
    dossier_id: UUID
    status: BookingStatus
    lines: tuple[BookingLine, ...]
    quote_id: UUID | None
    confirmed_at: AwareDatetime | None
    refundable: bool = False
    reason: str | None = None


class BookingConfirmed(Booking):
    type: ClassVar[str] = "enrolment.booking_confirmed"


class BookingPaid(Booking):
    type: ClassVar[str] = "enrolment.booking_paid"


class BookingCancelled(Booking):
    type: ClassVar[str] = "enrolment.booking_cancelled"


class BookingExpired(Booking):
    type: ClassVar[str] = "enrolment.booking_expired"


class NoticeWritten(Notice):
    type: ClassVar[str] = "enrolment.notice_written"


EVENTS: tuple[type[Event], ...] = (
    SiteChanged,
    ActivityChanged,
    HolidayWeekChanged,
    BookingConfirmed,
    BookingPaid,
    BookingCancelled,
    BookingExpired,
    NoticeWritten,
)
