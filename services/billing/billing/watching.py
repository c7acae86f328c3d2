"""Watching payments: when to ask PayFiP, what its answer does, and where the money it reports goes."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.outbox import publish
from contracts.billing import CreditGranted
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing import ledger, notices, payfip
from billing.invoices import live_invoices, settle
from billing.models import (
    Account,
    Dossier,
    Invoice,
    InvoiceStatus,
    Payment,
    PaymentNews,
    PaymentStatus,
)
from billing.settings import Settings

log = structlog.get_logger()

#: (age of the payment, how long until it is asked about again); later, hourly until PayFiP has deleted it.
SCHEDULE = (
    (timedelta(minutes=20), timedelta(seconds=10)),
    (timedelta(hours=2), timedelta(minutes=2)),
)
HOURLY = timedelta(hours=1)
#: A refusal or an abandon may still turn into a payment on the same page; after that only a notification reopens it.
DOUBTED_FOR = timedelta(hours=2)
#: PayFiP does not like to be asked sooner after a malfunction.
AFTER_MALFUNCTION = timedelta(minutes=30)
#: While one worker asks, the others leave the payment alone.
LEASE = timedelta(seconds=60)
AT_ONCE = 20


def next_check(opened_at: datetime, now: datetime) -> datetime:
    """When to ask again about a payment whose end is not known."""
    age = now - opened_at
    return now + next((every for until, every in SCHEDULE if age < until), HOURLY)


def next_check_after(status: PaymentStatus, news: PaymentNews, opened_at: datetime, now: datetime) -> datetime | None:
    """When to ask again, having heard `news`; none when there is nothing more to learn by asking."""
    if status is PaymentStatus.SUCCEEDED or news is PaymentNews.GONE:
        return None
    if news is PaymentNews.BROKEN:
        return now + AFTER_MALFUNCTION
    if news in (PaymentNews.REFUSED, PaymentNews.LEFT) and now - opened_at >= DOUBTED_FOR:
        return None
    return next_check(opened_at, now)


async def notified(session: AsyncSession, idop: str, now: datetime) -> None:
    """PayFiP, or anybody, says that there is news of this payment: ask at once. Nothing else is believed."""
    await session.execute(
        update(Payment).where(Payment.idop == idop, Payment.status != PaymentStatus.SUCCEEDED).values(next_check_at=now)
    )


async def ask_payfip(database: Database, settings: Settings) -> None:
    """Ask about the payments whose time has come, several at once."""
    now = clock.now()
    due = (
        select(Payment.id)
        .where(Payment.next_check_at <= now)
        .order_by(Payment.next_check_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    async with database.sessions.begin() as session:
        taken = await session.execute(
            update(Payment)
            .where(Payment.id.in_(due.scalar_subquery()))
            .values(next_check_at=now + LEASE)
            .returning(Payment.id, Payment.idop)
        )
        payments = taken.all()
    asked = [ask(database, settings, one.id, one.idop, now + LEASE) for one in payments if one.idop]
    for error in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(error, Exception):  # one payment's trouble holds up no other; it is asked about again
            log.error("payment_not_asked", exc_info=error)


async def ask(
    database: Database, settings: Settings, payment_id: UUID, idop: str, planned: datetime | None
) -> PaymentStatus:
    """Ask PayFiP, then apply its answer; the payment's status after that.

    `planned` is the `next_check_at` that this question stands for: another one found later (a notification that came
    meanwhile) is kept.
    """
    asked_at = clock.now()
    answer = await payfip.report(settings, idop)
    async with database.sessions.begin() as session:
        return await apply(session, payment_id, answer, asked_at, planned)


async def apply(
    session: AsyncSession, payment_id: UUID, answer: payfip.Report, asked_at: datetime, planned: datetime | None
) -> PaymentStatus:
    """Let the answer have its effect, once: the payment's state, and the money if there is any."""
    now = clock.now()
    dossier_id = (await session.execute(select(Payment.dossier_id).where(Payment.id == payment_id))).scalar_one()
    await ledger.hold_family(session, dossier_id)
    payment = await session.get_one(Payment, payment_id, with_for_update=True)
    moved = payment.hear(answer.news)
    status = PaymentStatus(payment.status)
    if answer.news not in (PaymentNews.UNREACHABLE, PaymentNews.BROKEN):
        payment.answered_at = asked_at
    if payment.next_check_at == planned or status is PaymentStatus.SUCCEEDED:
        payment.next_check_at = next_check_after(status, answer.news, payment.opened_at, now)
    if moved and answer.amount_cents is not None:
        await _receive(session, payment, answer.amount_cents, now)
    return status


async def _receive(session: AsyncSession, payment: Payment, received: int, now: datetime) -> None:
    """Enter the money, settle what it covers; the rest is the family's credit, and everybody concerned is told."""
    payment.received_cents = received
    cents = {Account.PAYFIP: received, Account.FAMILY: -received}
    await ledger.post(session, now, "Paiement PayFiP", payment.dossier_id, cents, payment_id=payment.id)
    credit, kept = await ledger.credit(session, payment.dossier_id), received
    late: list[Invoice] = []
    unpaid: list[Invoice] = []
    for paid in payment.invoices:
        # A booking that was revived meanwhile has another invoice.
        invoice = next(iter(await live_invoices(session, paid)), paid)
        if invoice.status == InvoiceStatus.TO_PAY and credit >= invoice.amount_cents:
            credit -= invoice.amount_cents
            kept -= invoice.amount_cents
            await settle(session, invoice, now, notices.paid_online(now))
        elif invoice.status == InvoiceStatus.TO_PAY:
            if now < invoice.payable_until:
                unpaid.append(invoice)
        elif invoice.status != InvoiceStatus.SETTLED:
            late.append(invoice)
    for invoice in late:
        if kept >= invoice.amount_cents:
            # Enrolment revives the booking if its places are still free, and words what comes of it.
            kept -= invoice.amount_cents
            await _grant(session, invoice.dossier_id, invoice.amount_cents, invoice.booking_id)
    if kept > 0:
        await _grant(session, payment.dossier_id, kept)
        await publish(session, notices.money_kept(payment.dossier_id, received, kept, credit, unpaid, now))
    if received != payment.amount_cents:
        dossier = await session.get_one(Dossier, payment.dossier_id)
        await publish(session, notices.other_amount(dossier.number, payment.refdet, payment.amount_cents, received))


async def _grant(session: AsyncSession, dossier_id: UUID, cents: int, booking_id: UUID | None = None) -> None:
    granted = CreditGranted(credit_id=new_id(), dossier_id=dossier_id, amount_cents=cents, booking_id=booking_id)
    await publish(session, granted)
