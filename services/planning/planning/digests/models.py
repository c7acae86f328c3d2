"""Tables: who wants the coming week by mail."""

from datetime import date
from uuid import UUID

from chassis.law import personal
from chassis.schema import may
from sqlalchemy.orm import Mapped, mapped_column

from planning.models import Base


class Digest(Base):
    """A guardian's switch, of one dossier; `sent_for` is the last week (its Monday) that was told."""

    __tablename__ = "digests"
    __table_args__ = may(
        "UPDATE",
        "DELETE",
        law=personal(
            "Semaine par courriel",
            account="account_id",
            dossier="dossier_id",
            kept="as long as its guardian is one (planning.retention)",
        ),
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    guardian_id: Mapped[UUID]
    enabled: Mapped[bool]
    sent_for: Mapped[date | None]
