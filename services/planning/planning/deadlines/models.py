"""Tables: the town's calendar, and the rules of each activity."""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.law import impersonal
from chassis.schema import may
from sqlalchemy import ARRAY, CheckConstraint, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from planning.models import Base


class Calendar(Base):
    """The one row of what the town works by; its version is that of the closed days too."""

    __tablename__ = "calendar"
    __table_args__ = (
        CheckConstraint("only_row", name="only_row"),
        may("UPDATE", law=impersonal("as long as the town")),
    )

    only_row: Mapped[bool] = mapped_column(primary_key=True)
    version: Mapped[int]
    school_zone: Mapped[str]


class ClosedDay(Base):
    __tablename__ = "closed_days"
    __table_args__ = may("DELETE", law=impersonal("for ever: a day of the town"))

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str]


class ActivityRules(Base):
    """As `rules.Rules` has them. What planning has no rules of takes place on no day."""

    __tablename__ = "activity_rules"
    __table_args__ = may("UPDATE", law=impersonal("as long as the activity"))

    activity_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    weekdays: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    booking_deadline: Mapped[dict[str, Any]] = mapped_column(JSONB())
    cancellation_deadline: Mapped[dict[str, Any]] = mapped_column(JSONB())
    bands: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())
