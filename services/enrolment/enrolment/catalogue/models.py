"""Tables of the catalogue: sites, activities, and holiday weeks with their places."""

from datetime import date, datetime
from uuid import UUID

from chassis.schema import may
from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Mapped, mapped_column

from enrolment.models import Base


class Site(Base):
    """A school or a leisure centre."""

    __tablename__ = "sites"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    version: Mapped[int]

    __table_args__ = (CheckConstraint("kind IN ('school', 'centre')", "kind"),)


class Activity(Base):
    """A catalogue entry; `regie` is the code of the régie that collects for it."""

    __tablename__ = "activities"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    site_id: Mapped[UUID | None]
    payment: Mapped[str]
    charging: Mapped[str]
    regie: Mapped[str]
    version: Mapped[int]


class HolidayWeek(Base):
    """A centre's places for one week and age group. `taken`: held, confirmed and paid lines together."""

    __tablename__ = "holiday_weeks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID]
    site_id: Mapped[UUID]
    centre: Mapped[str]
    name: Mapped[str]
    group_name: Mapped[str]
    min_age: Mapped[int]
    max_age: Mapped[int]
    dates: Mapped[list[date]]
    period: Mapped[Range[date]]
    places: Mapped[int]
    taken: Mapped[int]
    booking_closes_at: Mapped[datetime]
    cancellation_closes_at: Mapped[datetime]
    hold_minutes: Mapped[int]
    version: Mapped[int]

    __table_args__ = (
        CheckConstraint("0 <= taken AND taken <= places", "places"),
        Index("ix_holiday_weeks_first_day", text("lower(period)"), "centre", "id"),
        may("UPDATE"),
    )

    @property
    def places_left(self) -> int:
        return self.places - self.taken
