"""Print runs."""

from datetime import datetime
from uuid import UUID

from chassis.law import impersonal
from chassis.schema import may
from sqlalchemy import ARRAY, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base
from identity.notices.models import PRINTED_KEPT


class PrintRun(Base):
    """The letters of one PDF, in its order: the desk says of this PDF, and of nothing else, that it was printed."""

    __tablename__ = "print_runs"
    __table_args__ = (
        Index("ix_print_runs_made_at", "made_at"),
        may("UPDATE", "DELETE", law=impersonal(("made_at", PRINTED_KEPT))),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    notice_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
