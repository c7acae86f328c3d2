"""A family whose dossier is merged into another: its invoices are the other's to see and to pay, as they were written.

A quote is not, which is good for some minutes: the booking is priced as the other's. The books are not rewritten: what
the first family owes or has with us is handed over by entries of their own.
"""

from uuid import UUID

from chassis import clock
from chassis.database import fetch
from chassis.merging import Merging
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger import books

# The copy of reserved days, until planning speaks of them again.
_DAYS = """
    UPDATE reservations SET days = replace(days::text, $1::uuid::text, $2::uuid::text)::jsonb
    WHERE days @> jsonb_build_array(jsonb_build_object('dossier_id', $1::uuid::text))
"""


async def _hand_over(session: AsyncSession, dossier_id: UUID, into_id: UUID) -> None:
    await books.hold_family(session, dossier_id)
    await books.hold_family(session, into_id)
    await books.hand_over(session, clock.now(), dossier_id, into_id)
    await fetch(session, _DAYS, dossier_id, into_id)


MERGING = Merging(("invoices", "payments"), before=_hand_over)
