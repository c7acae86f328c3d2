"""A family whose dossier is merged into another: its reserved days, their history and what its accounts keep are the
other's. The months of both are locked, and have changed.
"""

from uuid import UUID

from chassis.database import fetch
from chassis.merging import Merging
from sqlalchemy.ext.asyncio import AsyncSession

from planning.reservations.changing import touch

_MONTHS = """
    SELECT date_trunc('month', day)::date FROM reservations WHERE dossier_id = $1
    UNION SELECT date_trunc('month', day)::date FROM booking_days JOIN bookings ON bookings.id = booking_id
    WHERE dossier_id = $1 ORDER BY 1
"""


async def _touch(session: AsyncSession, dossier_id: UUID, into_id: UUID) -> None:
    months = [month for (month,) in await fetch(session, _MONTHS, dossier_id)]
    await touch(session, [(one, month) for one in (dossier_id, into_id) for month in months])


MERGING = Merging(
    ("attempts", "bookings", "digests", "drafts", "enrolments", "entries", "feeds", "reservations"), before=_touch
)
