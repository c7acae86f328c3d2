"""What billing's decisions do to a booking: its invoice, its payment, its lapse, and money that came too late."""

from datetime import datetime

from chassis import clock
from chassis.outbox import publish
from contracts import enrolment as events
from contracts.billing import CreditGranted, Invoice
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings import notices, places
from enrolment.bookings.bookings import children_of, event_of
from enrolment.bookings.models import Booking
from enrolment.bookings.rules import BookingStatus
from enrolment.catalogue.rules import begun
from enrolment.copies import Dossier

LAPSED = "La réservation n'a pas été payée dans le délai prévu."


async def keep_invoice(session: AsyncSession, event: Invoice) -> None:
    """Follow the invoice of the booking's last confirmation; older news of it, or of an earlier one, is void."""
    booking = await session.get(Booking, event.booking_id, with_for_update=True)
    if booking is None or booking.confirmed_version is None or event.booking_version < booking.confirmed_version:
        return
    known = booking.invoice_booking_version or 0, booking.invoice_version or 0
    if (event.booking_version, event.version) <= known:
        return
    booking.invoice_id, booking.invoice_booking_version = event.invoice_id, event.booking_version
    booking.invoice_version, booking.invoice_number = event.version, event.number
    booking.amount_cents, booking.payable_until = event.amount_cents, event.payable_until
    booking.line_amounts = {str(line.position): line.amount_cents for line in event.lines}
    if booking.status is not BookingStatus.CONFIRMED:
        return
    if event.status == "settled":
        await _pay(session, booking)
    elif event.status == "lapsed":
        await _lapse(session, booking)


async def take_late_credit(session: AsyncSession, event: CreditGranted) -> None:
    """Money that came too late for a booking revives it where its places are still free; otherwise people are told."""
    if event.booking_id is None:
        return
    booking = await session.get(Booking, event.booking_id, with_for_update=True)
    if booking is None or booking.dossier_id != event.dossier_id or event.credit_id in booking.late_credit_ids:
        return
    booking.late_credit_ids = [*booking.late_credit_ids, event.credit_id]
    if booking.status is BookingStatus.CONFIRMED:
        # The lapse itself is still on its way; or it is revived already, and this comes to light once it is paid.
        booking.waiting_credits = [*booking.waiting_credits, event.amount_cents]
    elif booking.status is BookingStatus.EXPIRED:
        await _revive(session, booking, event.amount_cents, clock.now())
    elif booking.status is BookingStatus.PAID:
        await publish(session, notices.paid_again(booking, await children_of(session, booking), event.amount_cents))
    elif booking.status is BookingStatus.CANCELLED:
        children = await children_of(session, booking)
        await publish(session, notices.cancelled_before_payment(booking, children, event.amount_cents))


async def _pay(session: AsyncSession, booking: Booking) -> None:
    booking.move(BookingStatus.PAID)
    waiting, booking.waiting_credits = booking.waiting_credits, []
    await publish(session, event_of(events.BookingPaid, booking))
    if waiting:
        children = await children_of(session, booking)
        await publish(session, *(notices.paid_again(booking, children, cents) for cents in waiting))


async def _lapse(session: AsyncSession, booking: Booking) -> None:
    booking.move(BookingStatus.EXPIRED)
    booking.reason = LAPSED
    await places.free_places(session, [booking.id], clock.now())
    await publish(session, event_of(events.BookingExpired, booking))
    if not booking.waiting_credits:
        await publish(session, notices.lapsed(booking, await children_of(session, booking)))
    while booking.waiting_credits and booking.status is BookingStatus.EXPIRED:
        cents, *booking.waiting_credits = booking.waiting_credits
        await _revive(session, booking, cents, clock.now())


async def _revive(session: AsyncSession, booking: Booking, amount_cents: int, now: datetime) -> None:
    """Confirm it again as it was, at the same quote, or say to family and desk that its places are gone."""
    if any(begun(line.week, now) for line in booking.standing) or not await places.retake(session, booking):
        children = await children_of(session, booking)
        dossier = await session.get(Dossier, booking.dossier_id)
        await publish(
            session,
            notices.no_place_left(booking, children, amount_cents),
            notices.no_place_left_for_desk(booking, children, amount_cents, dossier.number if dossier else "inconnu"),
        )
        return
    booking.move(BookingStatus.CONFIRMED)
    booking.confirmed_version, booking.reason = booking.version, None
    # Billing opens a new invoice for it: the lapsed one must not be offered for payment.
    booking.invoice_id = booking.invoice_booking_version = booking.invoice_version = booking.invoice_number = None
    booking.amount_cents = booking.line_amounts = booking.payable_until = None
    await publish(session, event_of(events.BookingConfirmed, booking))
