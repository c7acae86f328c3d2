"""What billing's decisions do to a booking: its invoice, its payment, its lapse, and money that came too late."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from chassis import clock
from chassis.outbox import publish
from contracts import enrolment as events
from contracts.billing import CreditGranted, Invoice
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment import notices, places
from enrolment.bookings import event_of
from enrolment.eligibility import begun
from enrolment.models import Booking, BookingStatus, Child, Dossier

LAPSED = "La réservation n'a pas été payée dans le délai prévu."


async def keep_invoice(session: AsyncSession, event: Invoice) -> None:
    """Follow the invoice of the booking's last confirmation; older news of it, or of an earlier one, is void."""
    booking = await session.get(Booking, event.booking_id, with_for_update=True)
    if booking is None or booking.confirmed_version is None or event.booking_version < booking.confirmed_version:
        return
    if event.invoice_id == booking.invoice_id and event.version <= (booking.invoice_version or 0):
        return
    booking.invoice_id, booking.invoice_version = event.invoice_id, event.version
    booking.invoice_number, booking.amount_cents = event.number, event.amount_cents
    booking.payable_until = event.payable_until
    if booking.status is not BookingStatus.CONFIRMED:
        return
    if event.status == "settled":
        booking.move(BookingStatus.PAID)
        await publish(session, event_of(events.BookingPaid, booking))
    elif event.status == "lapsed":
        await _lapse(session, booking)


async def take_late_credit(session: AsyncSession, event: CreditGranted) -> None:
    """Money that came too late for a booking revives it where its places are still free; otherwise people are told."""
    if event.booking_id is None:
        return
    booking = await session.get(Booking, event.booking_id, with_for_update=True)
    if booking is None or booking.dossier_id != event.dossier_id or booking.late_credit_id == event.credit_id:
        return
    booking.late_credit_id = event.credit_id
    if booking.status is BookingStatus.CONFIRMED:
        booking.waiting_credit_cents = event.amount_cents  # the lapse itself is still on its way
    elif booking.status is BookingStatus.EXPIRED:
        await _revive(session, booking, event.amount_cents, clock.now())
    elif booking.status is BookingStatus.CANCELLED:
        children = await _children(session, booking)
        await publish(session, notices.cancelled_before_payment(booking, children, event.amount_cents))


async def _lapse(session: AsyncSession, booking: Booking) -> None:
    booking.move(BookingStatus.EXPIRED)
    booking.reason = LAPSED
    await places.free_places(session, [booking.id])
    await publish(session, event_of(events.BookingExpired, booking))
    credit_cents, booking.waiting_credit_cents = booking.waiting_credit_cents, None
    if credit_cents is None:
        await publish(session, notices.lapsed(booking, await _children(session, booking)))
    else:
        await _revive(session, booking, credit_cents, clock.now())


async def _revive(session: AsyncSession, booking: Booking, amount_cents: int, now: datetime) -> None:
    """Confirm it again as it was, at the same quote, or say to family and desk that its places are gone."""
    if any(begun(line.week, now) for line in booking.lines) or not await places.retake(session, booking):
        children = await _children(session, booking)
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
    booking.invoice_id = booking.invoice_version = booking.invoice_number = None
    booking.amount_cents = booking.payable_until = None
    await publish(session, event_of(events.BookingConfirmed, booking))


async def _children(session: AsyncSession, booking: Booking) -> Mapping[UUID, Child]:
    query = select(Child).where(Child.id.in_({line.child_id for line in booking.lines}))
    return {child.id: child for child in await session.scalars(query)}
