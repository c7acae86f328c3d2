"""Tables: the drafts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.law import AT_ONCE, personal
from chassis.schema import may
from sqlalchemy import ARRAY, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from planning.models import Base


class Draft(Base):
    """What an account would change in a month (its first day) of a dossier, as `reservations.schemas.ChangeWish`.

    Its guardian was reminded of the deadlines `reminded`, each once; which others are near is asked again at `look_at`.
    """

    __tablename__ = "drafts"
    __table_args__ = may(
        "UPDATE",
        "DELETE",
        law=personal(
            "Brouillons",
            account="account_id",
            dossier="dossier_id",
            kept=("(month + interval '1 month') AT TIME ZONE 'Europe/Paris'", AT_ONCE),
        ),
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    guardian_id: Mapped[UUID]
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    kept_at: Mapped[datetime]
    reminded: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    look_at: Mapped[datetime] = mapped_column(index=True)
