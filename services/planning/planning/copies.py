"""Tables of what others own, each with the version of the event it came from. None refers to another."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.copies import keep_copy
from chassis.inbox import Together
from chassis.schema import may
from chassis.states import state
from contracts import enrolment as contract
from sqlalchemy import ARRAY, Date, ForeignKey, Index, Uuid, delete, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from planning.calendar import STANDING, BookingStatus
from planning.models import Base


class Child(Base):
    __tablename__ = "children"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    dossier_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    first_name: Mapped[str]


class Site(Base):
    __tablename__ = "sites"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]


class Activity(Base):
    __tablename__ = "activities"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str]


class HolidayWeek(Base):
    __tablename__ = "holiday_weeks"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    activity_id: Mapped[UUID]
    name: Mapped[str]
    dates: Mapped[list[date]] = mapped_column(ARRAY(Date()))
    booking_closes_at: Mapped[datetime]
    cancellation_closes_at: Mapped[datetime]


class Enrolment(Base):
    """A child in an activity from the first to the last day; `usual_weeks` are all that were asked for, in order."""

    __tablename__ = "enrolments"
    __table_args__ = (Index(None, "child_id"), may("UPDATE"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    child_id: Mapped[UUID]
    dossier_id: Mapped[UUID]
    activity_id: Mapped[UUID]
    site_id: Mapped[UUID | None]
    school_year: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    status: Mapped[str]
    usual_weeks: Mapped[list[Any]] = mapped_column(JSONB)
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Booking(Base):
    __tablename__ = "bookings"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    dossier_id: Mapped[UUID] = mapped_column(index=True)
    status: Mapped[BookingStatus] = state(BookingStatus)


class BookedDay(Base):
    """A day of a line that stands, of a booking that does; a cancelled line has none, nor has an expired booking."""

    __tablename__ = "booking_days"
    __table_args__ = (Index(None, "child_id", "day"), may("DELETE"))

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), primary_key=True)
    child_id: Mapped[UUID] = mapped_column(primary_key=True)
    holiday_week_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID]


@Together
async def keep_booking(session: AsyncSession, event: contract.Booking) -> None:
    """The booking's state, and the days of the lines that stand in place of those it had."""
    copy = {"dossier_id": event.dossier_id, "status": event.status}
    if not await keep_copy(session, Booking, id=event.booking_id, version=event.version, **copy):
        return
    await session.execute(delete(BookedDay).where(BookedDay.booking_id == event.booking_id))
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
        await session.execute(insert(BookedDay), days)
