"""Tables of what others own: dossiers, children and quotients; activities and holiday weeks; reserved days.

They have no foreign keys between them: each may arrive first.
"""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.law import COPY, impersonal, personal
from chassis.schema import may
from sqlalchemy import ARRAY, Date, Index, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Base


class Dossier(Base):
    """`adults` are contracts.dossier.Adult, `payers` Payer, `address` a PostalAddress."""

    __tablename__ = "dossiers"
    __table_args__ = may("UPDATE", law=personal("Dossiers", dossier="id", unexported=COPY))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    adults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    payers: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class Child(Base):
    __tablename__ = "children"
    __table_args__ = (
        Index(None, "dossier_ids", postgresql_using="gin"),
        may("UPDATE", law=personal("Enfants", child="id", dossier="dossier_ids", unexported=COPY)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    dossier_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    first_name: Mapped[str]
    last_name: Mapped[str]
    resident: Mapped[bool]


class QuotientHistory(Base):
    """A dossier's whole history: `quotients` are contracts.dossier.Quotient."""

    __tablename__ = "quotient_histories"
    __table_args__ = may("UPDATE", law=personal("Quotients familiaux", dossier="dossier_id", unexported=COPY))

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    quotients: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class Activity(Base):
    __tablename__ = "activities"
    __table_args__ = may("UPDATE", law=impersonal("as long as the activity"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    payment: Mapped[str]
    charging: Mapped[str]
    regie: Mapped[str]


class HolidayWeek(Base):
    __tablename__ = "holiday_weeks"
    __table_args__ = may("UPDATE", law=impersonal("as long as the week"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    activity_id: Mapped[UUID]
    centre: Mapped[str]
    name: Mapped[str]
    dates: Mapped[list[date]] = mapped_column(ARRAY(Date()))


class Reservations(Base):
    """All reserved days (contracts.planning.ReservedDay) of one child in one activity and month (« 2026-12 »)."""

    __tablename__ = "reservations"
    __table_args__ = may("UPDATE", law=personal("Jours réservés", child="child_id", unexported=COPY))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    child_id: Mapped[UUID]
    activity_id: Mapped[UUID]
    month: Mapped[str]
    days: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
