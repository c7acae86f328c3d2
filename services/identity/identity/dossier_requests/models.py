"""Requests for a dossier, with their states."""

from typing import TypedDict
from uuid import UUID

from chassis.law import personal
from chassis.schema import may
from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.copies import Address
from identity.desk_requests import DECIDED_KEPT, DeskRequest, decided
from identity.models import Base


class ChildAsked(TypedDict):
    """As JSON."""

    first_name: str
    last_name: str
    birth_date: str


class DossierRequest(DeskRequest, Base):
    """What a family says of itself; accepted, it names the dossier that an agent has made of it.

    `digest` is of all that was said: the same request waits once.
    """

    __tablename__ = "dossier_requests"
    __table_args__ = (
        decided(),
        CheckConstraint("(status = 'accepted') = (dossier_id IS NOT NULL)", name="accepted_with_a_dossier"),
        Index("uq_dossier_requests_digest", "digest", unique=True, postgresql_where=text("status = 'waiting'")),
        may(
            "UPDATE",
            "DELETE",
            law=personal(
                "Demandes de dossier", dossier="dossier_id", hidden=("digest",), kept=("decided_at", DECIDED_KEPT)
            ),
        ),
    )

    digest: Mapped[bytes]
    phone: Mapped[str | None]
    address: Mapped[Address] = mapped_column(JSONB())
    children: Mapped[list[ChildAsked]] = mapped_column(JSONB())
    message: Mapped[str | None]
    dossier_id: Mapped[UUID | None]
