"""Local copies of what others own: an event older than the copy, or as old, changes nothing."""

from chassis.copies import keep_copy
from chassis.inbox import Together
from contracts.dossier import ChildChanged
from contracts.enrolment import ActivityChanged, Booking, HolidayWeekChanged
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncSession

from planning import models

#: Bookings whose days are reserved. Revival makes an expired one confirmed again: only the version tells what is true.
STANDING = ("confirmed", "paid")


@Together
async def keep_child(session: AsyncSession, event: ChildChanged) -> None:
    """The name, and which dossiers may see the child."""
    await keep_copy(
        session,
        models.Child,
        id=event.child_id,
        version=event.version,
        dossier_ids=list(event.dossier_ids),
        first_name=event.first_name,
    )


@Together
async def keep_activity(session: AsyncSession, event: ActivityChanged) -> None:
    """The name."""
    await keep_copy(session, models.Activity, id=event.activity_id, version=event.version, name=event.name)


@Together
async def keep_holiday_week(session: AsyncSession, event: HolidayWeekChanged) -> None:
    """Until when it may be cancelled."""
    await keep_copy(
        session,
        models.HolidayWeek,
        id=event.holiday_week_id,
        version=event.version,
        cancellation_closes_at=event.cancellation_closes_at,
    )


@Together
async def keep_booking(session: AsyncSession, event: Booking) -> None:
    """The booking's state, and the days of the lines that stand in place of those it had."""
    copy = {"dossier_id": event.dossier_id, "status": event.status}
    if not await keep_copy(session, models.Booking, id=event.booking_id, version=event.version, **copy):
        return
    await session.execute(delete(models.BookedDay).where(models.BookedDay.booking_id == event.booking_id))
    days = [
        {
            "booking_id": event.booking_id,
            "child_id": line.child_id,
            "holiday_week_id": line.holiday_week_id,
            "activity_id": line.activity_id,
            "day": day,
        }
        for line in event.lines
        if line.status == "active" and event.status in STANDING
        for day in line.dates
    ]
    if days:
        await session.execute(insert(models.BookedDay), days)
