"""Tables of what others own: dossiers, children and quotients; activities and holiday weeks.

They have no foreign keys between them: each may arrive first.
"""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.schema import may
from sqlalchemy import ARRAY, Date, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Base


class Dossier(Base):
    """`adults` are contracts.dossier.Adult, `address` a PostalAddress."""

    __tablename__ = "dossiers"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    adults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class Child(Base):
    __tablename__ = "children"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    dossier_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    first_name: Mapped[str]
    last_name: Mapped[str]
    resident: Mapped[bool]


class QuotientHistory(Base):
    """A dossier's whole history: `quotients` are contracts.dossier.Quotient."""

    __tablename__ = "quotient_histories"
    __table_args__ = may("UPDATE")

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    quotients: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class Activity(Base):
    __tablename__ = "activities"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    regie: Mapped[str]


class HolidayWeek(Base):
    __tablename__ = "holiday_weeks"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    activity_id: Mapped[UUID]
    centre: Mapped[str]
    name: Mapped[str]
    dates: Mapped[list[date]] = mapped_column(ARRAY(Date()))
