"""Invoices and credit notes: opened, paid by allocations, numbered when settled, reopened, cancelled, corrected."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.outbox import publish
from contracts.billing import CreditGranted, InvoiceCancelled, InvoiceOpened, InvoiceSettled
from contracts.billing import InvoiceLine as LineAmount
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices import notices
from billing.invoices.models import Allocation, Invoice, InvoiceLine, InvoiceState, InvoiceStatus, Source
from billing.invoices.numbering import take_number
from billing.ledger import books
from billing.ledger.models import Account

#: PayFiP takes no less; a smaller amount waits for the month's invoice.
SMALLEST_PAYMENT_CENTS = 100


async def open_invoice(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    """Open an invoice to pay, and settle it at once where credit covers it or it is too small to be paid by itself."""
    session.add(invoice)
    await session.flush()
    await publish(session, InvoiceOpened(**event(invoice)))
    if await books.credit(session, invoice.dossier_id) >= invoice.amount_cents:
        await pay(session, invoice, now, notices.FROM_CREDIT if invoice.amount_cents else notices.FREE)
    elif invoice.amount_cents < SMALLEST_PAYMENT_CENTS:
        await pay(session, invoice, now, notices.DEFERRED, source=Source.DEFERRED)


async def pay(
    session: AsyncSession,
    invoice: Invoice,
    now: datetime,
    how: str,
    *,
    cents: int | None = None,
    source: Source = Source.CREDIT,
    payment_id: UUID | None = None,
) -> None:
    """Allocate so much to it (none: all that is due) of the family's credit, where money received is entered first.

    All that is due settles it, and everybody is told. `how`: see notices.receipt.
    """
    await _allocate(session, invoice, now, invoice.due_cents if cents is None else cents, source, payment_id)
    if invoice.status is InvoiceStatus.SETTLED:
        if invoice.booking:
            await publish(session, InvoiceSettled(**event(invoice)))
        await publish(session, notices.receipt(invoice, how))


async def reopen(session: AsyncSession, invoice: Invoice, now: datetime, cents: int, payment_id: UUID | None) -> None:
    """Take an allocation back: what was paid is due again. Its booking's place stays the family's."""
    source = Source.PAYMENT if payment_id else Source.CREDIT
    await _enter(session, invoice, now, -cents, source, payment_id)
    if invoice.status is InvoiceStatus.SETTLED:
        invoice.move(InvoiceStatus.REOPENED)
        invoice.state.settled_at = None


async def cancel(session: AsyncSession, invoice: Invoice, reason: str | None) -> None:
    """Cancel an invoice to pay; money that still comes for it goes where its booking says."""
    invoice.move(InvoiceStatus.CANCELLED, reason)
    await publish(session, InvoiceCancelled(**event(invoice)))


async def correct(
    session: AsyncSession, invoice: Invoice, positions: Iterable[int], reason: str | None, now: datetime
) -> None:
    """A credit note for those of these lines of a numbered invoice not corrected yet, and the credit it gives."""
    corrected = await session.scalars(
        select(InvoiceLine.corrects_position).where(InvoiceLine.corrects_invoice_id == invoice.id)
    )
    wanted = set(positions) - set(corrected)
    lines = [line for line in invoice.lines if line.position in wanted and line.amount_cents]
    if not lines:
        return
    note = Invoice(
        kind="credit_note",
        corrects_id=invoice.id,
        dossier_id=invoice.dossier_id,
        regie_code=invoice.regie_code,
        amount_cents=-sum(line.amount_cents for line in lines),
        payer_name=invoice.payer_name,
        payer_address=invoice.payer_address,
        opened_at=now,
        lines=[_corrected(line) for line in lines],
        state=InvoiceState(reason=reason),
        booking=None,
    )
    session.add(note)
    await session.flush()
    await _allocate(session, note, now, note.amount_cents, Source.CREDIT, None)
    granted = CreditGranted(
        credit_id=note.id, dossier_id=note.dossier_id, amount_cents=-note.amount_cents, booking_id=None
    )
    await publish(session, granted, notices.credit_note(note, invoice))
    if invoice.status is InvoiceStatus.REOPENED:  # what is given back is first no longer owed
        credit = await books.credit(session, invoice.dossier_id)
        await pay(session, invoice, now, notices.FROM_CREDIT, cents=min(credit, invoice.due_cents))


def event(invoice: Invoice) -> dict[str, Any]:
    """The fields of every event of a booking's invoice."""
    state, booking = invoice.state, invoice.booking
    assert booking  # noqa: S101 -- others are nobody else's affair
    return {
        "invoice_id": invoice.id,
        "version": state.version,
        "booking_id": booking.booking_id,
        "booking_version": booking.booking_version,
        "dossier_id": invoice.dossier_id,
        "amount_cents": invoice.amount_cents,
        "lines": tuple(LineAmount(position=one.position, amount_cents=one.amount_cents) for one in invoice.lines),
        "number": invoice.number,
        "payable_until": state.payable_until,
        "repriced": invoice.repriced,
        "reason": state.reason,
    }


def _corrected(line: InvoiceLine) -> InvoiceLine:
    negated = {name: -getattr(line, name) for name in ("amount_cents", "childcare_cents", "food_cents")}
    return InvoiceLine(**line.values() | negated, corrects_invoice_id=line.invoice_id, corrects_position=line.position)


async def _allocate(
    session: AsyncSession, invoice: Invoice, now: datetime, cents: int, source: Source, payment_id: UUID | None
) -> None:
    """Enter the document in the ledger if it is not there yet, then what is paid of it; whole, it becomes final."""
    if invoice.number is None:
        await _recognise(session, invoice, now)
    await _enter(session, invoice, now, cents, source, payment_id)
    if invoice.due_cents:
        return
    if invoice.number is None:
        invoice.number = await take_number(session, invoice.regie_code, now)  # taken last
    invoice.move(InvoiceStatus.SETTLED)
    invoice.state.settled_at = now


async def _recognise(session: AsyncSession, invoice: Invoice, now: datetime) -> None:
    childcare = sum(line.childcare_cents for line in invoice.lines)
    cents = {
        Account.FAMILY: invoice.amount_cents,
        Account.CHILDCARE: -childcare,
        Account.FOOD: childcare - invoice.amount_cents,
    }
    memo = "Avoir" if invoice.kind == "credit_note" else "Facture"
    await books.post(session, now, memo, invoice.dossier_id, cents, invoice_id=invoice.id)


async def _enter(
    session: AsyncSession, invoice: Invoice, now: datetime, cents: int, source: Source, payment_id: UUID | None
) -> None:
    if not cents:
        return
    allocation = Allocation(invoice_id=invoice.id, payment_id=payment_id, source=source, amount_cents=cents, at=now)
    session.add(allocation)
    invoice.state.allocated_cents += cents
    account = Account.DEFERRED if source is Source.DEFERRED else Account.CREDIT
    cents_of = {account: cents, Account.FAMILY: -cents}
    await books.post(session, now, "Affectation", invoice.dossier_id, cents_of, invoice_id=invoice.id)
