"""What a booking, as it is now, means for its invoices: opened, replaced, cancelled, corrected, or refused."""

from datetime import datetime, timedelta

from chassis.copies import keep_copy
from chassis.outbox import publish
from chassis.parking import NotYetKnown
from contracts.billing import InvoiceRefused
from contracts.dossier import Adult, Payer, PostalAddress
from contracts.enrolment import Booking
from french.paris import day_in_paris
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bookings.models import BilledBooking
from billing.bookings.rules import payer as payer_on
from billing.bookings.rules import refundable_positions, standing_positions
from billing.copies import Dossier
from billing.invoices import documents, notices
from billing.invoices.models import BookingInvoice, Invoice, InvoiceLine, InvoiceState, InvoiceStatus
from billing.invoices.origins import of_booking
from billing.ledger import books
from billing.quotes.pricing import Unbillable
from billing.quotes.promises import price_booking

PAYABLE_FOR = timedelta(minutes=20)


class NoPayer(Unbillable):
    """Without a URN: no call is ever answered with it, it is only a reason why a booking is refused."""

    title = "Payeur à compléter"
    detail = "Votre dossier ne dit pas qui paie les factures : prévenez la mairie, qui le complétera."


async def bill(session: AsyncSession, booking: Booking, now: datetime) -> None:
    """Make its invoices what they should be. An older event than the newest seen is void.

    Each confirmation is billed once, whichever event tells of it first; what is not paid yet is for the lines that
    stand; of what is paid, lines cancelled and refundable are corrected. Raises NotYetKnown while the family, a child,
    a week or an activity is not known here.
    """
    await books.hold_family(session, booking.dossier_id)
    seen = {"booking_id": booking.booking_id, "version": booking.version, "status": booking.status}
    if not await keep_copy(session, BilledBooking, **seen):
        return
    known = await of_booking(session, booking.booking_id)
    newest = known[-1] if known else None
    # Its confirmation has had its invoice, be it lapsed or cancelled since.
    billed = bool(newest and newest.booking and newest.booking.confirmed_version >= booking.confirmed_version)
    standing = standing_positions(booking)
    if (
        newest
        and newest.status is InvoiceStatus.TO_PAY
        and not (billed and standing == {line.position for line in newest.lines})
    ):
        await documents.cancel(session, newest, booking.reason)
        if billed and standing:
            await documents.open_invoice(session, _smaller(newest, booking, standing, now), now)
    if booking.status == "confirmed" and not billed:
        await _open(session, booking, now)
    refundable = refundable_positions(booking)
    for invoice in known:
        if invoice.number:
            await documents.correct(session, invoice, refundable, booking.reason, now)


async def _open(session: AsyncSession, booking: Booking, now: datetime) -> None:
    """Open its invoice, or refuse the booking where it cannot have one."""
    try:
        pricing = await price_booking(session, booking)
        payer_name, payer_address = await _payer(session, booking, now)
    except Unbillable as why:
        refused = InvoiceRefused(
            booking_id=booking.booking_id,
            version=booking.version,
            dossier_id=booking.dossier_id,
            reason=why.detail or why.title,
        )
        await publish(session, refused)
        return
    usual = now + PAYABLE_FOR
    invoice = Invoice(
        dossier_id=booking.dossier_id,
        regie_code=pricing.regie_code,
        amount_cents=sum(line["amount_cents"] for line in pricing.lines),
        payer_name=payer_name,
        payer_address=payer_address,
        opened_at=now,
        repriced=pricing.repriced,
        lines=[InvoiceLine(**line) for line in pricing.lines],
        state=InvoiceState(payable_until=max(booking.pay_by, usual) if booking.pay_by else usual),
        booking=_origin(booking),
    )
    await documents.open_invoice(session, invoice, now)
    if invoice.repriced:
        await publish(session, notices.repriced(invoice))


def _smaller(invoice: Invoice, booking: Booking, standing: set[int], now: datetime) -> Invoice:
    """What replaces an invoice some lines of which were cancelled: the others at the same prices, payable as long."""
    lines = [line for line in invoice.lines if line.position in standing]
    return Invoice(
        dossier_id=invoice.dossier_id,
        regie_code=invoice.regie_code,
        amount_cents=sum(line.amount_cents for line in lines),
        payer_name=invoice.payer_name,
        payer_address=invoice.payer_address,
        opened_at=now,
        repriced=invoice.repriced,
        lines=[InvoiceLine(**line.values()) for line in lines],
        state=InvoiceState(payable_until=invoice.payable_until),
        booking=_origin(booking),
    )


def _origin(booking: Booking) -> BookingInvoice:
    return BookingInvoice(
        booking_id=booking.booking_id,
        booking_version=booking.version,
        confirmed_version=booking.confirmed_version,
    )


async def _payer(session: AsyncSession, booking: Booking, now: datetime) -> tuple[str, str | None]:
    """Name and address. Raises NotYetKnown, NoPayer."""
    dossier = await session.get(Dossier, booking.dossier_id)
    if dossier is None:
        raise NotYetKnown(Dossier, booking.dossier_id)
    adults, payers = map(Adult.model_validate, dossier.adults), map(Payer.model_validate, dossier.payers)
    payer = payer_on(list(adults), list(payers), day_in_paris(now))
    if payer is None:
        raise NoPayer
    address = PostalAddress.model_validate(dossier.address) if dossier.address else None
    return (
        f"{payer.first_name} {payer.last_name}",
        f"{address.street}, {address.postcode} {address.city}" if address else None,
    )
