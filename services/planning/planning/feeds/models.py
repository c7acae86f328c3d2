"""Tables: the calendar feeds."""

from datetime import datetime
from uuid import UUID

from chassis.law import personal
from chassis.schema import may
from sqlalchemy.orm import Mapped, mapped_column

from planning.models import Base


class Feed(Base):
    """A guardian's feed of one dossier; of the secret in its address only the hash is kept."""

    __tablename__ = "feeds"
    __table_args__ = may(
        "UPDATE",
        "DELETE",
        law=personal(
            "Flux de calendrier",
            account="account_id",
            dossier="dossier_id",
            hidden=("secret_hash",),
            kept="as long as its guardian is one (planning.retention)",
        ),
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    guardian_id: Mapped[UUID]
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    made_at: Mapped[datetime]
