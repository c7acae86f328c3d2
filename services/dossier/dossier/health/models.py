"""Tables: health records, sealed."""

from datetime import datetime
from uuid import UUID

from chassis.law import personal
from chassis.schema import may
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from dossier.models import Base


class HealthRecord(Base):
    """Of a child; `sealed` is all that is in it, by the key of that id, and opens for that child alone."""

    __tablename__ = "health_records"
    __table_args__ = may(
        "UPDATE",
        law=personal("Fiche sanitaire", child="child_id", unexported="it is exported opened: health/exporting.py"),
    )

    child_id: Mapped[UUID] = mapped_column(ForeignKey("children.id"), primary_key=True)
    version: Mapped[int]
    key_id: Mapped[str] = mapped_column(index=True)
    sealed: Mapped[bytes]
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID]
