"""Requests for a dossier, with their states."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, TypedDict
from uuid import UUID

from chassis.law import personal
from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.copies import Address
from identity.models import Base

#: Who decided, and why, can be asked for so long.
DECIDED_KEPT = timedelta(days=365)


class ChildAsked(TypedDict):
    """As JSON."""

    first_name: str
    last_name: str
    birth_date: str


class DossierRequestStatus(StrEnum):
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class DossierRequest(Moves[DossierRequestStatus], Base):
    """What a family says of itself; accepted, it names the dossier that an agent has made of it.

    `digest` is of all that was said: the same request waits once.
    """

    __tablename__ = "dossier_requests"
    __table_args__ = (
        CheckConstraint(
            "(status <> 'waiting') = (decided_at IS NOT NULL AND decided_by IS NOT NULL AND reason IS NOT NULL)",
            name="decided",
        ),
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

    TRANSITIONS: ClassVar = {
        DossierRequestStatus.WAITING: frozenset({DossierRequestStatus.ACCEPTED, DossierRequestStatus.REFUSED}),
        DossierRequestStatus.ACCEPTED: frozenset(),
        DossierRequestStatus.REFUSED: frozenset(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[DossierRequestStatus] = state(DossierRequestStatus)
    digest: Mapped[bytes]
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str | None]
    address: Mapped[Address] = mapped_column(JSONB())
    children: Mapped[list[ChildAsked]] = mapped_column(JSONB())
    message: Mapped[str | None]
    created_at: Mapped[datetime]
    dossier_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
