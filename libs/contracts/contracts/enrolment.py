"""Events that enrolment publishes."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.envelope import Event, Fact
from contracts.notices import NoticeWritten as Notice

Kind = Literal["periscolaire", "restauration", "extrascolaire"]
SiteKind = Literal["school", "centre"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


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
    status: Literal["open", "closed"] = "open"


class HolidayWeekChanged(Event):
    """A centre's week for one age group: `activity_id` is its extrascolaire activity, `dates` the open days.

    `booking_opens_at` is for everybody (none: it always was open); residents may come earlier.
    """

    type: ClassVar[str] = "enrolment.holiday_week_changed"
    subject_field: ClassVar[str] = "holiday_week_id"

    holiday_week_id: UUID
    activity_id: UUID
    centre: str
    name: str
    dates: tuple[date, ...]
    booking_opens_at: AwareDatetime | None = None
    booking_closes_at: AwareDatetime
    cancellation_closes_at: AwareDatetime


class Actor(Fact):
    """Who asked for something: a guardian by their account, and as one of the dossier's adults where that is known; the
    staff with a name and, past a rule, their reason.

    `dossier_id` is the family for which (none: the one of what is asked about).
    """

    account_id: UUID
    guardian_id: UUID | None = None
    role: Literal["guardian", "agent", "administrator"]
    name: str | None = None
    reason: str | None = None
    dossier_id: UUID | None = None


class UsualWeek(Fact):
    """A wish for every week from the first to the last day, both included: these weekdays and no others.

    `number` counts the wishes of an enrolment from 1: each is applied once, and the last has the last word on its days.
    Deadlines are judged at `asked_at`.
    """

    number: int
    valid_from: date
    valid_to: date
    days: tuple[Weekday, ...]
    asked_at: AwareDatetime
    asked_by: Actor


class EnrolmentChanged(Event):
    """A child's right to attend an activity from the first to the last day, both included, of a school year.

    `dossier_id` is the family that enrolled it; `site_id` where it attends: the activity's own site, else the child's
    school (none: not known). Withdrawn: `valid_to` is the last day that it was left with; deadlines of the days given
    up are judged at `withdrawn_at`. `usual_weeks` are all that were asked for, in order.
    """

    type: ClassVar[str] = "enrolment.enrolment_changed"
    subject_field: ClassVar[str] = "enrolment_id"

    enrolment_id: UUID
    child_id: UUID
    dossier_id: UUID
    activity_id: UUID
    site_id: UUID | None
    school_year: str
    valid_from: date
    valid_to: date
    status: Literal["active", "withdrawn"]
    usual_weeks: tuple[UsualWeek, ...] = ()
    withdrawn_at: AwareDatetime | None = None
    withdrawn_by: Actor | None = None


class BookingLine(Fact):
    """One child in one holiday week; `position` names the line for good, `dates` in order.

    `refundable` speaks of a cancelled line: whether what was paid for it is given back.
    """

    position: int
    child_id: UUID
    holiday_week_id: UUID
    activity_id: UUID
    site_id: UUID
    dates: tuple[date, ...]
    status: Literal["active", "cancelled"] = "active"
    refundable: bool = False


class Booking(Event):
    """The one shape of every booking event, each with its own fixed status: the booking as it is now.

    What was only held is nobody else's affair: every event speaks of a booking that was confirmed. `confirmed_version`
    is the version at which it last was, or was revived: each confirmation is billed once, whatever order news of it
    comes in. `pay_by` is the end that the desk gave the family for paying; none: billing's usual one.
    """

    subject_field: ClassVar[str] = "booking_id"

    booking_id: UUID
    dossier_id: UUID
    status: str
    lines: tuple[BookingLine, ...]
    quote_id: UUID
    confirmed_at: AwareDatetime
    confirmed_version: int
    pay_by: AwareDatetime | None = None
    reason: str | None = None


class BookingConfirmed(Booking):
    """Confirmed, or revived by money that came late: to be billed."""

    type: ClassVar[str] = "enrolment.booking_confirmed"

    status: Literal["confirmed"] = "confirmed"


class BookingChanged(Booking):
    """Some of its lines, not all, were cancelled."""

    type: ClassVar[str] = "enrolment.booking_changed"

    status: Literal["confirmed", "paid"]


class BookingPaid(Booking):
    type: ClassVar[str] = "enrolment.booking_paid"

    status: Literal["paid"] = "paid"


class BookingCancelled(Booking):
    """All of it; each line says by itself whether it is refundable."""

    type: ClassVar[str] = "enrolment.booking_cancelled"

    status: Literal["cancelled"] = "cancelled"


class BookingExpired(Booking):
    type: ClassVar[str] = "enrolment.booking_expired"

    status: Literal["expired"] = "expired"


class NoticeWritten(Notice):
    type: ClassVar[str] = "enrolment.notice_written"


EVENTS: tuple[type[Event], ...] = (
    SiteChanged,
    ActivityChanged,
    HolidayWeekChanged,
    EnrolmentChanged,
    BookingConfirmed,
    BookingChanged,
    BookingPaid,
    BookingCancelled,
    BookingExpired,
    NoticeWritten,
)
