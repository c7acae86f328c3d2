"""Who sees which invoices, and what a family owes."""

from collections.abc import Sequence
from uuid import UUID

from chassis.bodies import Paging
from chassis.problems import NotFound
from chassis.reach import Acting, Reach
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.models import OPEN, Invoice, InvoiceState, InvoiceStatus


def reaches(reach: Reach, dossier_id: UUID, regie_code: str) -> bool:
    """Whether they may see that family's invoice or payment: a cashier, where they collect for its régie."""
    return reach.covers(dossier_id) and (reach.role != "cashier" or reach.covers_regie(regie_code))


async def invoice(session: AsyncSession, reach: Reach, invoice_id: UUID) -> Invoice:
    """Raises NotFound."""
    found = await session.get(Invoice, invoice_id)
    if found is None or not reaches(reach, found.dossier_id, found.regie_code):
        raise NotFound
    return found


async def invoices(
    session: AsyncSession, reach: Reach, dossier_id: UUID | None, status: InvoiceStatus | None, paging: Paging
) -> Sequence[Invoice]:
    """Newest first: those that they may see, of one family where the staff names it, of one status where it is said.

    Raises as Reach.acting.
    """
    asked = select(Invoice).order_by(Invoice.id.desc()).limit(paging.limit + 1)
    if reach.role == "guardian" or dossier_id:
        asked = asked.where(Invoice.dossier_id == reach.acting(dossier_id).dossier_id)
    if reach.role == "cashier":
        asked = asked.where(Invoice.regie_code.in_(reach.regies))
    if status:
        asked = asked.where(Invoice.state.has(InvoiceState.status == status))
    if paging.cursor:
        asked = asked.where(Invoice.id < paging.cursor)
    return (await session.scalars(asked)).all()


async def owed(session: AsyncSession, acting: Acting) -> int:
    """Cents due of the family's invoices that may be paid."""
    due = (
        select(func.coalesce(func.sum(Invoice.amount_cents - InvoiceState.allocated_cents), 0))
        .join(Invoice.state)
        .where(Invoice.dossier_id == acting.dossier_id, InvoiceState.status.in_(OPEN))
    )
    return await session.scalar(due) or 0
