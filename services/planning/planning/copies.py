"""Local copies of what others own: an event older than the copy, or as old, changes nothing."""

from typing import Any
from uuid import UUID

from contracts.dossier import ChildChanged
from contracts.enrolment import ActivityChanged, Booking, HolidayWeekChanged
from sqlalchemy import delete
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from planning import models

#: Bookings whose days are reserved. Revival makes an expired one confirmed again: only the version tells what is true.
STANDING = ("confirmed", "paid")


async def keep_child(session: AsyncSession, event: ChildChanged) -> None:
    """The name, and which dossiers may see the child."""
    copy = {"dossier_ids": list(event.dossier_ids), "first_name": event.first_name}
    await _keep(session, models.Child, event.child_id, event.version, copy)


async def keep_activity(session: AsyncSession, event: ActivityChanged) -> None:
    """The name."""
    await _keep(session, models.Activity, event.activity_id, event.version, {"name": event.name})


async def keep_holiday_week(session: AsyncSession, event: HolidayWeekChanged) -> None:
    """Until when it may be cancelled."""
    copy = {"cancellation_closes_at": event.cancellation_closes_at}
    await _keep(session, models.HolidayWeek, event.holiday_week_id, event.version, copy)


async def keep_booking(session: AsyncSession, event: Booking) -> None:
    """The booking's state, and its days in place of those it had."""
    copy = {"dossier_id": event.dossier_id, "status": event.status}
    if not await _keep(session, models.Booking, event.booking_id, event.version, copy):
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
        for day in line.dates
    ]
    if days and event.status in STANDING:
        await session.execute(plain_insert(models.BookedDay), days)


async def _keep(
    session: AsyncSession, kind: type[models.Base], copy_id: UUID, version: int, values: dict[str, Any]
) -> bool:
    """Whether the copy was absent or older, and is now this one. Its row stays locked until the commit."""
    table = kind.__table__
    changed = values | {"version": version}
    statement = insert(kind).values(id=copy_id, **changed)
    newer = statement.on_conflict_do_update(
        index_elements=["id"], set_=changed, where=table.c.version < statement.excluded.version
    )
    return await session.scalar(newer.returning(table.c.id)) is not None
