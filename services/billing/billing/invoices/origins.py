"""Which invoices came from one booking, and which of them counts now."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.models import BookingInvoice, Invoice


async def of_booking(session: AsyncSession, booking_id: UUID) -> Sequence[Invoice]:
    """Its invoices, in the order of what they were opened for: of two that are not numbered the last one counts."""
    found = await session.scalars(
        select(Invoice)
        .join(Invoice.booking)
        .where(BookingInvoice.booking_id == booking_id)
        .order_by(BookingInvoice.booking_version)
    )
    return found.all()


async def current(session: AsyncSession, invoice: Invoice) -> Invoice:
    """The invoice that money for this one is for now: the last of its booking, which may have been replaced."""
    return (await of_booking(session, invoice.booking.booking_id))[-1] if invoice.booking else invoice
