"""Watching payments: when to ask PayFiP, and what its answer does to the payment."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from chassis import clock
from chassis.database import Database
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger import books
from billing.payments import collecting, payfip
from billing.payments.models import Payment
from billing.payments.rules import PaymentNews, PaymentStatus, next_check_after
from billing.settings import Settings

log = structlog.get_logger()

#: While one worker asks, the others leave the payment alone.
LEASE = timedelta(seconds=60)
AT_ONCE = 20


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
    await books.hold_family(session, dossier_id)
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
        payment.next_check_at = next_check_after(
            payment.status,
            payment.opened_at,
            answer.news,
            now,
            is_debit=payment.is_debit,
            returned=payment.returned_at is not None,
        )
    return payment.status
