"""Tables of what others own: dossiers, children and quotients; activities and holiday weeks.

They have no foreign keys between them: each may arrive first.
"""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.copies import keep_copy
from chassis.inbox import Together
from chassis.schema import may
from contracts.dossier import DossierChanged, QuotientChanged
from sqlalchemy import ARRAY, Date, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
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


@Together
async def keep_dossier(session: AsyncSession, event: DossierChanged) -> None:
    facts = event.model_dump(mode="json", include={"adults", "address"})
    await keep_copy(session, Dossier, id=event.dossier_id, version=event.version, number=event.number, **facts)


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


@Together
async def keep_quotients(session: AsyncSession, event: QuotientChanged) -> None:
    facts = event.model_dump(mode="json", include={"quotients"})
    await keep_copy(session, QuotientHistory, dossier_id=event.dossier_id, version=event.version, **facts)


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
