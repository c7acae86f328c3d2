"""Reading the planning of a family's month."""

from datetime import date
from uuid import UUID

from chassis.problems import NotFound
from chassis.reach import Reach
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from planning import calendar
from planning.calendar import last_day
from planning.copies import Activity, BookedDay, Booking, Child, HolidayWeek


async def read(
    session: AsyncSession, reach: Reach, first: date, dossier_id: UUID | None, child_id: UUID | None
) -> list[calendar.Row]:
    """The month that begins on `first`, of a dossier's bookings, of one child's, or both; raises NotFound for whoever
    is unknown, or nobody's that the caller may see. Two queries at most, whatever the family's size.
    """
    whose = {dossier_id} if child_id is None else await _dossiers_of(session, child_id)
    covered = [one for one in whose if reach.covers(one) and dossier_id in (None, one)]
    if not covered:
        raise NotFound
    query = (
        select(
            BookedDay.child_id,
            Child.first_name,
            BookedDay.activity_id,
            Activity.name,
            BookedDay.day,
            BookedDay.booking_id,
            Booking.status,
            HolidayWeek.cancellation_closes_at,
        )
        .join(Booking, Booking.id == BookedDay.booking_id)
        .outerjoin(Child, Child.id == BookedDay.child_id)
        .outerjoin(Activity, Activity.id == BookedDay.activity_id)
        .outerjoin(HolidayWeek, HolidayWeek.id == BookedDay.holiday_week_id)
        .where(BookedDay.day.between(first, last_day(first)), Booking.dossier_id.in_(covered))
    )
    if child_id is not None:
        query = query.where(BookedDay.child_id == child_id)
    return calendar.rows(first, [calendar.BookedDay(*row) for row in await session.execute(query)])


async def _dossiers_of(session: AsyncSession, child_id: UUID) -> set[UUID]:
    """Whose the child is, by its own copy, and whose bookings it is in: these may arrive before."""
    own = select(func.unnest(Child.dossier_ids)).where(Child.id == child_id)
    booking = select(Booking.dossier_id).join(BookedDay, BookedDay.booking_id == Booking.id)
    return set(await session.scalars(own.union(booking.where(BookedDay.child_id == child_id))))
