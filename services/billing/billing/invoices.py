"""Invoices of bookings: opened by the event that confirms one, settled, cancelled, corrected by a credit note."""

from datetime import datetime, timedelta
from typing import Any

from chassis.copies import keep_copy
from chassis.outbox import publish
from chassis.parking import NotYetKnown
from contracts.billing import CreditGranted, InvoiceCancelled, InvoiceOpened, InvoiceSettled
from contracts.dossier import Adult, PostalAddress
from contracts.enrolment import Booking
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing import ledger, notices
from billing.models import Account, BilledBooking, Dossier, Invoice, InvoiceLine, InvoiceStatus
from billing.numbering import take_number
from billing.quotes import Pricing, honoured, price_lines

PAYABLE_FOR = timedelta(minutes=20)
#: PayFiP takes no less; a smaller amount waits for the month's invoice.
SMALLEST_PAYMENT_CENTS = 100


async def bill(session: AsyncSession, booking: Booking, now: datetime) -> None:
    """Do what the booking, as it is now, means for its invoice. An older event than the newest seen is void.

    Raises NotYetKnown while the family, a child, a week or an activity is not known here.
    """
    await ledger.hold_family(session, booking.dossier_id)
    seen = {"booking_id": booking.booking_id, "version": booking.version, "status": booking.status}
    if not await keep_copy(session, BilledBooking, **seen):
        return
    if booking.status == "confirmed":
        await _open(session, booking, now)
    elif booking.status == "cancelled":
        for invoice in await live_invoices(session, booking):
            await _cancel(session, invoice, booking, now)


async def live_invoices(session: AsyncSession, booking: Booking | Invoice) -> list[Invoice]:
    """The invoices of a booking that are to pay or settled: none, or one."""
    found = await session.scalars(
        select(Invoice).where(
            Invoice.booking_id == booking.booking_id,
            Invoice.kind == "invoice",
            Invoice.status.in_([InvoiceStatus.TO_PAY, InvoiceStatus.SETTLED]),
        )
    )
    return list(found)


async def settle(
    session: AsyncSession, invoice: Invoice, now: datetime, how: str, debtor: Account = Account.FAMILY
) -> None:
    """Settle it out of the family's credit, or leave it to `debtor`; number it; tell everybody. `how`: see receipt."""
    await _number(session, invoice, now, debtor)
    await publish(session, InvoiceSettled(**event(invoice)), notices.receipt(invoice, how))


def event(invoice: Invoice) -> dict[str, Any]:
    """The fields of every event of an invoice."""
    names = ("booking_id", "booking_version", "dossier_id", "status", "amount_cents", "number", "payable_until")
    fields = {name: getattr(invoice, name) for name in (*names, "repriced", "reason", "version")}
    return {"invoice_id": invoice.id, **fields}


async def _open(session: AsyncSession, booking: Booking, now: datetime) -> None:
    quote = await honoured(session, booking)
    if quote:
        pricing = Pricing(quote.regie_code, [line.values() for line in quote.lines])
    else:
        pricing = await price_lines(session, booking.dossier_id, booking.lines)
    payer_name, payer_address = await _payer(session, booking)
    invoice = Invoice(
        dossier_id=booking.dossier_id,
        regie_code=pricing.regie_code,
        booking_id=booking.booking_id,
        booking_version=booking.version,
        amount_cents=sum(line["amount_cents"] for line in pricing.lines),
        payer_name=payer_name,
        payer_address=payer_address,
        opened_at=now,
        payable_until=now + PAYABLE_FOR,
        repriced=quote is None,
        lines=[InvoiceLine(**line) for line in pricing.lines],
    )
    session.add(invoice)
    await session.flush()
    await publish(session, InvoiceOpened(**event(invoice)))
    if await ledger.credit(session, invoice.dossier_id) >= invoice.amount_cents:
        await settle(session, invoice, now, notices.FROM_CREDIT if invoice.amount_cents else notices.FREE)
    elif invoice.amount_cents < SMALLEST_PAYMENT_CENTS:
        await settle(session, invoice, now, notices.DEFERRED, Account.DEFERRED)
    if invoice.repriced:
        await publish(session, notices.repriced(invoice))


async def _payer(session: AsyncSession, booking: Booking) -> tuple[str, str | None]:
    dossier = await session.get(Dossier, booking.dossier_id)
    if dossier is None:
        raise NotYetKnown(Dossier, booking.dossier_id)
    adults = [Adult.model_validate(one) for one in dossier.adults]
    payer = next((one for one in adults if "payer" in one.roles), adults[0] if adults else None)
    address = PostalAddress.model_validate(dossier.address) if dossier.address else None
    return (
        f"{payer.first_name} {payer.last_name}" if payer else f"Dossier {dossier.number}",
        f"{address.street}, {address.postcode} {address.city}" if address else None,
    )


async def _cancel(session: AsyncSession, invoice: Invoice, booking: Booking, now: datetime) -> None:
    if invoice.status == InvoiceStatus.TO_PAY:
        invoice.move(InvoiceStatus.CANCELLED, booking.reason)
        await publish(session, InvoiceCancelled(**event(invoice)))
    elif booking.refundable and invoice.amount_cents:
        await _correct(session, invoice, booking, now)


async def _correct(session: AsyncSession, invoice: Invoice, booking: Booking, now: datetime) -> None:
    """A credit note for the whole invoice, and the credit that goes with it."""
    negated = ("amount_cents", "childcare_cents", "food_cents")
    lines = [line.values() for line in invoice.lines]
    note = Invoice(
        kind="credit_note",
        corrects_id=invoice.id,
        dossier_id=invoice.dossier_id,
        regie_code=invoice.regie_code,
        booking_id=invoice.booking_id,
        booking_version=booking.version,
        amount_cents=-invoice.amount_cents,
        payer_name=invoice.payer_name,
        payer_address=invoice.payer_address,
        opened_at=now,
        payable_until=now,
        reason=booking.reason,
        lines=[InvoiceLine(**line | {name: -line[name] for name in negated}) for line in lines],
    )
    session.add(note)
    await session.flush()
    await _number(session, note, now, Account.FAMILY)
    granted = CreditGranted(
        credit_id=note.id, dossier_id=note.dossier_id, amount_cents=invoice.amount_cents, booking_id=None
    )
    await publish(session, granted, notices.credit_note(note, invoice))


async def _number(session: AsyncSession, invoice: Invoice, now: datetime, debtor: Account) -> None:
    """Enter it in the ledger and make it final, its number taken last."""
    childcare = sum(line.childcare_cents for line in invoice.lines)
    cents = {
        debtor: invoice.amount_cents,
        Account.CHILDCARE: -childcare,
        Account.FOOD: childcare - invoice.amount_cents,
    }
    memo = "Avoir" if invoice.kind == "credit_note" else "Facture"
    await ledger.post(session, now, memo, invoice.dossier_id, cents, invoice_id=invoice.id)
    number = await take_number(session, invoice.regie_code, now)
    invoice.number, invoice.settled_at = number, now
    invoice.move(InvoiceStatus.SETTLED)
