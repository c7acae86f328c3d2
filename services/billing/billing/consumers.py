"""What billing does with each event: copies of what others own, and the invoices of bookings."""

from chassis import clock
from chassis.copies import keep
from chassis.erasure import EvenErased, is_erased
from chassis.inbox import Handlers
from chassis.revoked import keep_revoked
from contracts import dossier, enrolment, identity, planning
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bookings.invoicing import bill
from billing.copies import Activity, Child, Dossier, HolidayWeek, QuotientHistory, Reservations
from billing.erasing import ERASURE, forget_names
from billing.merging import MERGING


async def bill_booking(session: AsyncSession, event: enrolment.Booking) -> None:
    await bill(session, event, clock.now())


@EvenErased
async def end_booking(session: AsyncSession, event: enrolment.Booking) -> None:
    """What it ends is in the books, even of a family that is erased."""
    await bill_booking(session, event)
    if await is_erased(session, event.dossier_id):
        await forget_names(session, event.dossier_id)


HANDLERS: Handlers = {
    **ERASURE.handlers("dossier", "child", "account"),
    identity.AccessRevoked: keep_revoked,
    dossier.DossierChanged: keep(Dossier).then(MERGING.hear),
    dossier.ChildChanged: keep(Child),
    dossier.QuotientChanged: keep(QuotientHistory),
    enrolment.ActivityChanged: keep(Activity),
    enrolment.HolidayWeekChanged: keep(HolidayWeek),
    planning.ReservationsChanged: keep(Reservations),
    enrolment.BookingConfirmed: bill_booking,
    enrolment.BookingChanged: bill_booking,
    enrolment.BookingPaid: bill_booking,
    enrolment.BookingCancelled: end_booking,
    enrolment.BookingExpired: end_booking,
}
