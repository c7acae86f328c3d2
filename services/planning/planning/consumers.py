"""What planning does with what it hears."""

from chassis.copies import keep
from chassis.inbox import Handlers
from contracts.dossier import ChildChanged
from contracts.enrolment import (
    ActivityChanged,
    BookingCancelled,
    BookingChanged,
    BookingConfirmed,
    BookingExpired,
    BookingPaid,
    HolidayWeekChanged,
    SiteChanged,
)

from planning.copies import keep_activity, keep_booking, keep_child, keep_holiday_week
from planning.models import Site

HANDLERS: Handlers = {
    ChildChanged: keep_child,
    SiteChanged: keep(Site),
    ActivityChanged: keep_activity,
    HolidayWeekChanged: keep_holiday_week,
    BookingConfirmed: keep_booking,
    BookingChanged: keep_booking,
    BookingPaid: keep_booking,
    BookingCancelled: keep_booking,
    BookingExpired: keep_booking,
}
