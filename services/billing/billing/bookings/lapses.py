"""When an unpaid invoice lapses: the one decision on which a booking expires."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis import clock
from chassis.database import Database
from chassis.outbox import publish
from contracts.billing import InvoiceLapsed
from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import aliased

from billing.invoices.documents import event
from billing.invoices.models import BookingInvoice, Invoice, InvoiceState, InvoiceStatus
from billing.ledger.books import hold_family
from billing.payments.models import Payment, PaymentInvoice
from billing.payments.rules import PaymentStatus

#: A family that opened a payment in time may still be on PayFiP's page.
AFTER_LAST_PAYMENT = timedelta(minutes=20)
BATCH = 100


def lapsable(now: datetime) -> Select[Invoice]:
    """Invoices to pay that nobody may or can pay any more.

    Their time is over, the last payment was opened long enough ago, and since then PayFiP has answered, for each of
    them, that nothing was paid. While it cannot answer, the place stays kept. Payments of an invoice that this one
    replaced count as its own.
    """
    own, replaced = aliased(BookingInvoice), aliased(BookingInvoice)
    undecided = and_(
        Payment.status != PaymentStatus.SUCCEEDED,
        Payment.next_check_at.is_not(None),
        or_(Payment.answered_at.is_(None), Payment.answered_at < Payment.opened_at + AFTER_LAST_PAYMENT),
    )
    may_still_pay = (
        select(Payment.id)
        .join(PaymentInvoice)
        .join(replaced, replaced.invoice_id == PaymentInvoice.invoice_id)
        .join(own, own.booking_id == replaced.booking_id)
        .where(
            own.invoice_id == Invoice.id,
            or_(
                Payment.status == PaymentStatus.OPENING,
                and_(Payment.idop.is_not(None), or_(Payment.opened_at > now - AFTER_LAST_PAYMENT, undecided)),
            ),
        )
        .correlate(Invoice)
        .exists()
    )
    return (
        select(Invoice)
        .join(Invoice.state)
        .where(InvoiceState.status == InvoiceStatus.TO_PAY, InvoiceState.payable_until <= now, ~may_still_pay)
    )


async def lapse_unpaid(database: Database, settings: object) -> None:
    """Let them lapse, each in a transaction of its own."""
    now = clock.now()
    async with database.sessions() as session:
        due = (
            await session.execute(lapsable(now).with_only_columns(Invoice.id, Invoice.dossier_id).limit(BATCH))
        ).all()
    for invoice_id, dossier_id in due:
        await _lapse(database, invoice_id, dossier_id, now)


async def _lapse(database: Database, invoice_id: UUID, dossier_id: UUID, now: datetime) -> None:
    async with database.sessions.begin() as session:
        await hold_family(session, dossier_id)
        # Looked at again under the lock: it may have been paid, or a payment opened, meanwhile.
        invoice = await session.scalar(lapsable(now).where(Invoice.id == invoice_id))
        if invoice:
            invoice.move(InvoiceStatus.LAPSED, "unpaid")
            await publish(session, InvoiceLapsed(**event(invoice)))
