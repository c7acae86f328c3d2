"""What billing does with each event: copies of what others own, and the invoices of bookings."""

from chassis import clock
from chassis.copies import keep
from chassis.inbox import Handlers
from contracts import dossier, enrolment, planning
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bookings.invoicing import bill
from billing.copies import Activity, Child, Dossier, HolidayWeek, QuotientHistory, Reservations


async def bill_booking(session: AsyncSession, event: enrolment.Booking) -> None:
    await bill(session, event, clock.now())


HANDLERS: Handlers = {
    dossier.DossierChanged: keep(Dossier),
    dossier.ChildChanged: keep(Child),
    dossier.QuotientChanged: keep(QuotientHistory),
    enrolment.ActivityChanged: keep(Activity),
    enrolment.HolidayWeekChanged: keep(HolidayWeek),
    planning.ReservationsChanged: keep(Reservations),
    enrolment.BookingConfirmed: bill_booking,
    enrolment.BookingChanged: bill_booking,
    enrolment.BookingPaid: bill_booking,
    enrolment.BookingCancelled: bill_booking,
    enrolment.BookingExpired: bill_booking,
}
