"""Money that comes in and goes back: entered in the ledger, given to invoices, told to the family and the desk."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.identifiers import new_id
from chassis.outbox import publish
from contracts.billing import CreditGranted
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Dossier
from billing.invoices.documents import pay, reopen
from billing.invoices.models import Allocation, Invoice, InvoiceStatus, Source
from billing.invoices.notices import FROM_CREDIT
from billing.invoices.origins import current
from billing.ledger import books
from billing.ledger.models import Account
from billing.payments import notices
from billing.payments.models import Payment
from billing.receipts.rules import Due, Spent, Takes, allocate, undone

TAKES = {
    InvoiceStatus.TO_PAY: Takes.WHOLE,
    InvoiceStatus.REOPENED: Takes.PARTS,
    InvoiceStatus.LAPSED: Takes.LATE,
    InvoiceStatus.CANCELLED: Takes.LATE,
    InvoiceStatus.SETTLED: Takes.NOTHING,
}


async def receive(session: AsyncSession, payment: Payment, received: int, now: datetime) -> None:
    """Enter a payment's money, once, and let it pay what it came for as that stands now; the rest is credit."""
    dossier_id = payment.dossier_id
    before = await books.credit(session, dossier_id)
    payment.received_cents = received
    cents = {Account.PAYFIP: received, Account.CREDIT: -received}
    await books.post(session, now, "Paiement PayFiP", dossier_id, cents, payment_id=payment.id)
    invoices = {one.id: one for one in [await current(session, asked) for asked in payment.invoices]}
    shares = allocate(received, before, map(_due, invoices.values()), now)
    for invoice_id, part in shares.paid.items():
        how, by = notices.paid_online(now), Source.PAYMENT
        await pay(session, invoices[invoice_id], now, how, cents=part, source=by, payment_id=payment.id)
    for invoice in (invoices[invoice_id] for invoice_id in shares.late):
        # Enrolment revives the booking if its places are still free, and words what comes of it.
        invoice.state.late_credited = True
        await _grant(session, dossier_id, invoice.amount_cents, invoice.booking_id)
    if shares.kept_cents:
        await _grant(session, dossier_id, shares.kept_cents)
    if shares.kept_cents or shares.short:
        credit = await books.credit(session, dossier_id)
        short = [invoices[invoice_id] for invoice_id in shares.short]
        await publish(session, notices.money_kept(dossier_id, received, shares.kept_cents, credit, short, now))
    if received != payment.amount_cents:
        number = await _number(session, dossier_id)
        await publish(session, notices.other_amount(dossier_id, number, payment.refdet, payment.amount_cents, received))


async def take_back(session: AsyncSession, payment: Payment, now: datetime) -> None:
    """The bank refused what PayFiP had reported as paid: its money goes out again, and what it paid is due again."""
    dossier_id, received = payment.dossier_id, payment.received_cents or 0
    payment.returned_at = now
    cents = {Account.PAYFIP: -received, Account.CREDIT: received}
    await books.post(session, now, "Prélèvement rejeté", dossier_id, cents, payment_id=payment.id)
    spent = await _spent(session, dossier_id)
    reopened: dict[UUID, Invoice] = {}
    for part in undone(payment.id, await books.credit(session, dossier_id), spent):
        invoice = await session.get_one(Invoice, part.invoice_id)
        await reopen(session, invoice, now, part.cents, part.payment_id)
        reopened[invoice.id] = invoice
    # What is left of the credit pays at once what it can of that.
    shares = allocate(0, await books.credit(session, dossier_id), map(_due, reopened.values()), now)
    for invoice_id, cents_left in shares.paid.items():
        await pay(session, reopened[invoice_id], now, FROM_CREDIT, cents=cents_left)
    credit, number = await books.credit(session, dossier_id), await _number(session, dossier_id)
    await publish(
        session,
        notices.debit_returned(dossier_id, received, reopened.values(), credit),
        notices.debit_returned_for_desk(dossier_id, number, payment.refdet, received, reopened.values()),
    )


def _due(invoice: Invoice) -> Due:
    takes = TAKES[invoice.status]
    if invoice.state.late_credited:  # its booking has had its chance: this is a second payment
        takes = Takes.NOTHING
    until = invoice.payable_until if takes is Takes.WHOLE else None
    return Due(invoice.id, invoice.due_cents, takes, until)


async def _spent(session: AsyncSession, dossier_id: UUID) -> Sequence[Spent]:
    """What the family's invoices got of payments and credit and still have, the newest first."""
    cents = func.sum(Allocation.amount_cents)
    found = await session.execute(
        select(Allocation.invoice_id, Allocation.payment_id, cents)
        .join(Invoice, Invoice.id == Allocation.invoice_id)
        .where(Invoice.dossier_id == dossier_id, Allocation.source != Source.DEFERRED)
        .group_by(Allocation.invoice_id, Allocation.payment_id)
        .having(cents > 0)
        .order_by(func.max(Allocation.at).desc(), Allocation.invoice_id.desc())
    )
    return [Spent(invoice_id, payment_id, int(amount)) for invoice_id, payment_id, amount in found]


async def _number(session: AsyncSession, dossier_id: UUID) -> str:
    return (await session.get_one(Dossier, dossier_id)).number


async def _grant(session: AsyncSession, dossier_id: UUID, cents: int, booking_id: UUID | None = None) -> None:
    granted = CreditGranted(credit_id=new_id(), dossier_id=dossier_id, amount_cents=cents, booking_id=booking_id)
    await publish(session, granted)
