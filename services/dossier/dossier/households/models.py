"""Table: what is to be changed on a later day."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.law import personal
from chassis.schema import may
from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from dossier.models import Base


class PlannedChange(Base):
    """Who will belong elsewhere from that day on: it is gone once that is so, and stays, `refused` for a reason in
    French, where it could not be. Nothing is written here when a dossier is merged: its id leads to the other.
    """

    __tablename__ = "planned_changes"
    __table_args__ = may(
        "UPDATE",
        law=personal(
            "Changements prévus",
            dossier="dossier_id",
            child="child_id",
            hidden=("other_id", "wish", "asked_by", "asked_by_name"),
            kept="until it is made or withdrawn",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"), index=True)
    other_id: Mapped[UUID | None] = mapped_column(index=True)
    child_id: Mapped[UUID | None]
    wish: Mapped[dict[str, Any]] = mapped_column(JSONB)
    day: Mapped[date] = mapped_column(index=True)
    reason: Mapped[str | None]
    asked_at: Mapped[datetime]
    asked_by: Mapped[UUID]
    asked_by_name: Mapped[str | None]
    refused: Mapped[str | None]
