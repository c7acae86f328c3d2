"""The ledger: every euro received, owed or credited, in double entry; a family's balance is a view of it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from chassis.identifiers import new_id
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import Account, LedgerEntry


async def hold_family(session: AsyncSession, dossier_id: UUID) -> None:
    """Let this transaction alone move that family's money, invoices and payments until it ends.

    The first lock of every such transaction, and the only one that several may want but a number series, taken last.
    With that of a family that is merged into another goes the other's: the first is locked before the second.
    """
    held: UUID | None = dossier_id
    while held is not None:
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:family, 0))"), {"family": f"family {held}"}
        )
        held = await session.scalar(text("SELECT into_id FROM merged WHERE id = :family"), {"family": held})


async def post(
    session: AsyncSession,
    now: datetime,
    memo: str,
    dossier_id: UUID,
    cents: Mapping[Account, int],
    *,
    invoice_id: UUID | None = None,
    payment_id: UUID | None = None,
) -> None:
    """One ledger transaction: debits positive, credits negative, together zero (or the commit fails)."""
    transaction_id = new_id()
    session.add_all(
        LedgerEntry(
            transaction_id=transaction_id,
            at=now,
            account=account,
            dossier_id=dossier_id,
            amount_cents=amount,
            invoice_id=invoice_id,
            payment_id=payment_id,
            memo=memo,
        )
        for account, amount in cents.items()
        if amount
    )
    await session.flush()


async def hand_over(session: AsyncSession, now: datetime, dossier_id: UUID, into_id: UUID) -> None:
    """What a family owes and has with us is the other's, into whose dossier its own is merged; both are held."""
    for account in (Account.FAMILY, Account.CREDIT, Account.DEFERRED):
        if cents := await balance(session, dossier_id, account):
            transaction_id = new_id()
            session.add_all(
                LedgerEntry(
                    transaction_id=transaction_id,
                    at=now,
                    account=account,
                    dossier_id=family,
                    amount_cents=amount,
                    memo="Dossiers réunis",
                )
                for family, amount in ((dossier_id, -cents), (into_id, cents))
            )
    await session.flush()


async def balance(session: AsyncSession, dossier_id: UUID, account: Account) -> int:
    """Cents on that account of a family."""
    total = select(func.coalesce(func.sum(LedgerEntry.amount_cents), 0)).where(
        LedgerEntry.dossier_id == dossier_id, LedgerEntry.account == account
    )
    return await session.scalar(total) or 0


async def credit(session: AsyncSession, dossier_id: UUID) -> int:
    """Cents that a family has with us."""
    return -await balance(session, dossier_id, Account.CREDIT)
