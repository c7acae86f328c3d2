"""What planning does with what it hears."""

from chassis.copies import keep
from chassis.inbox import Handlers
from contracts.dossier import ChildChanged, DossierChanged
from contracts.enrolment import (
    ActivityChanged,
    BookingCancelled,
    BookingChanged,
    BookingConfirmed,
    BookingExpired,
    BookingPaid,
    EnrolmentChanged,
    HolidayWeekChanged,
    SiteChanged,
)

from planning.copies import Activity, Child, Dossier, Enrolment, HolidayWeek, Site, guardians, keep_booking

HANDLERS: Handlers = {
    DossierChanged: keep(Dossier, guardian_ids=guardians),
    ChildChanged: keep(Child),
    SiteChanged: keep(Site),
    ActivityChanged: keep(Activity),
    HolidayWeekChanged: keep(HolidayWeek),
    EnrolmentChanged: keep(Enrolment),
    BookingConfirmed: keep_booking,
    BookingChanged: keep_booking,
    BookingPaid: keep_booking,
    BookingCancelled: keep_booking,
    BookingExpired: keep_booking,
}
