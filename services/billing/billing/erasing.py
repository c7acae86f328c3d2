"""A family that is erased: its numbered invoices, payments and entries stay by accounting law; what never became an
invoice stays without its names.
"""

from uuid import UUID

from chassis.erasure import Erasure
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.models import OPEN, Invoice, InvoiceLine, InvoiceState
from billing.models import Base

ERASED = "effacé"


async def forget_names(session: AsyncSession, dossier_id: UUID) -> None:
    """Of documents without a number. What may still be paid comes to its end first, which enrolment sees to."""
    ended = (
        select(Invoice.id)
        .join(InvoiceState, InvoiceState.invoice_id == Invoice.id)
        .where(Invoice.dossier_id == dossier_id, Invoice.number.is_(None), InvoiceState.status.not_in(OPEN))
    )
    ids = (await session.scalars(ended)).all()
    # Once only: the sweep comes again.
    named = Invoice.id.in_(ids), Invoice.payer_name != ERASED
    await session.execute(update(Invoice).where(*named).values(payer_name=ERASED, payer_address=None))
    lines = InvoiceLine.invoice_id.in_(ids), InvoiceLine.child_name != ERASED
    await session.execute(update(InvoiceLine).where(*lines).values(child_name=ERASED))


ERASURE = Erasure(Base.metadata, dossier=forget_names)
