"""Tables: copies of what others own, each with the version of the event it came from. None refers to another."""

from datetime import date, datetime
from uuid import UUID

from chassis.database import TYPES
from chassis.schema import may, service_metadata
from sqlalchemy import ARRAY, ForeignKey, Index, Text, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from planning.calendar import BookingStatus


class Base(DeclarativeBase):
    metadata = service_metadata("planning")
    type_annotation_map = TYPES


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


class HolidayWeek(Base):
    __tablename__ = "holiday_weeks"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    cancellation_closes_at: Mapped[datetime]


class Booking(Base):
    __tablename__ = "bookings"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    dossier_id: Mapped[UUID] = mapped_column(index=True)
    status: Mapped[BookingStatus] = mapped_column(Text())


class BookedDay(Base):
    """A day of a line that stands, of a booking that does; a cancelled line has none, nor has an expired booking."""

    __tablename__ = "booking_days"
    __table_args__ = (Index(None, "child_id", "day"), may("DELETE"))

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), primary_key=True)
    child_id: Mapped[UUID] = mapped_column(primary_key=True)
    holiday_week_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID]
