"""Watching payments: when to ask PayFiP, and what its answer does to the payment."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from chassis import clock
from chassis.database import Database
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing import collecting, ledger, payfip
from billing.models import Payment, PaymentNews, PaymentStatus
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
#: A direct debit that was accepted may still be refused by the bank: PayFiP then says so, if it is asked.
DEBIT_DOUBTED_FOR, DEBIT_ASKED_EVERY = timedelta(days=60), timedelta(hours=12)
#: PayFiP does not like to be asked sooner after a malfunction.
AFTER_MALFUNCTION = timedelta(minutes=30)
#: While one worker asks, the others leave the payment alone.
LEASE = timedelta(seconds=60)
AT_ONCE = 20


def next_check(opened_at: datetime, now: datetime) -> datetime:
    """When to ask again about a payment whose end is not known."""
    age = now - opened_at
    return now + next((every for until, every in SCHEDULE if age < until), HOURLY)


def next_check_after(payment: Payment, news: PaymentNews, now: datetime) -> datetime | None:
    """When to ask again, having heard `news`; none when there is nothing more to learn by asking."""
    age = now - payment.opened_at
    if news is PaymentNews.GONE or payment.returned_at:
        return None
    if payment.status == PaymentStatus.SUCCEEDED:
        return now + DEBIT_ASKED_EVERY if payment.is_debit and age < DEBIT_DOUBTED_FOR else None
    if news is PaymentNews.BROKEN:
        return now + AFTER_MALFUNCTION
    if news in (PaymentNews.REFUSED, PaymentNews.DEBIT_REFUSED, PaymentNews.LEFT) and age >= DOUBTED_FOR:
        return None
    return next_check(payment.opened_at, now)


async def notified(session: AsyncSession, idop: str, now: datetime) -> None:
    """PayFiP, or anybody, says that there is news of this payment: ask at once. Nothing else is believed."""
    still_open = or_(Payment.status != PaymentStatus.SUCCEEDED, Payment.next_check_at.is_not(None))
    await session.execute(update(Payment).where(Payment.idop == idop, still_open).values(next_check_at=now))


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
    if moved and answer.amount_cents is not None:
        payment.is_debit = answer.news is PaymentNews.DEBITED
        await collecting.receive(session, payment, answer.amount_cents, now)
    elif moved and payment.received_cents is not None:
        await collecting.take_back(session, payment, now)
    if answer.news not in (PaymentNews.UNREACHABLE, PaymentNews.BROKEN):
        payment.answered_at = asked_at
    if payment.next_check_at == planned or (payment.status == PaymentStatus.SUCCEEDED and not payment.is_debit):
        payment.next_check_at = next_check_after(payment, answer.news, now)
    return PaymentStatus(payment.status)
