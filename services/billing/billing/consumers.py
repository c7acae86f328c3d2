"""What billing does with each event: copies of what others own, and the invoices of bookings."""

from chassis import clock
from chassis.copies import keep
from chassis.inbox import Handlers
from contracts.dossier import ChildChanged, DossierChanged, QuotientChanged
from contracts.enrolment import (
    ActivityChanged,
    Booking,
    BookingCancelled,
    BookingChanged,
    BookingConfirmed,
    BookingExpired,
    BookingPaid,
    HolidayWeekChanged,
)
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bookings import bill
from billing.models import Activity, Child, Dossier, HolidayWeek, QuotientHistory


async def bill_booking(session: AsyncSession, event: Booking) -> None:
    await bill(session, event, clock.now())


HANDLERS: Handlers = {
    DossierChanged: keep(Dossier),
    ChildChanged: keep(Child),
    QuotientChanged: keep(QuotientHistory),
    ActivityChanged: keep(Activity, regie_code=lambda event: event.regie),
    HolidayWeekChanged: keep(HolidayWeek),
    BookingConfirmed: bill_booking,
    BookingChanged: bill_booking,
    BookingPaid: bill_booking,
    BookingCancelled: bill_booking,
    BookingExpired: bill_booking,
}
