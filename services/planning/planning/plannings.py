"""Reading the planning of a family's month."""

from datetime import date
from uuid import UUID

from chassis.problems import NotFound
from sqlalchemy import and_, any_, exists, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from planning import calendar
from planning.calendar import last_day
from planning.models import Activity, BookedDay, Booking, Child, HolidayWeek


async def read(
    session: AsyncSession, first: date, dossier_id: UUID | None, child_id: UUID | None
) -> list[calendar.Row]:
    """The month that begins on `first`, of a dossier's bookings, of one child, or both; raises NotFound for a child
    that is unknown, or not of that dossier. Two queries at most, whatever the family's size.
    """
    if child_id is not None and not await _knows(session, child_id, dossier_id):
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
        .where(BookedDay.day.between(first, last_day(first)))
    )
    if dossier_id is not None:
        query = query.where(Booking.dossier_id == dossier_id)
    if child_id is not None:
        query = query.where(BookedDay.child_id == child_id)
    return calendar.rows(first, [calendar.BookedDay(*row) for row in await session.execute(query)])


async def _knows(session: AsyncSession, child_id: UUID, dossier_id: UUID | None) -> bool:
    """Whether the child is the dossier's (any dossier's, for none), by its own copy or, before that, by a booking."""
    of_child, booked = Child.id == child_id, BookedDay.child_id == child_id
    if dossier_id is not None:
        of_child = and_(of_child, literal(dossier_id) == any_(Child.dossier_ids))
        booked = and_(booked, Booking.dossier_id == dossier_id)
    by_booking = select(1).select_from(BookedDay).join(Booking, Booking.id == BookedDay.booking_id).where(booked)
    return bool(await session.scalar(select(or_(exists().where(of_child), by_booking.exists()))))
