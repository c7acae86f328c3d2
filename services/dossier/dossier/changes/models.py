"""Tables: what families ask to have changed."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from chassis.law import personal
from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Uuid

from dossier.models import Adult, Base, Child, Dossier


class ChangeStatus(StrEnum):
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ChangeRequest(Moves[ChangeStatus], Base):
    """That something be `new` that was `old` when it was asked (nothing: it was not there).

    `subject_id` is the adult or the child it is about; of a child that comes, the id it will have.
    """

    __tablename__ = "change_requests"
    __table_args__ = (
        CheckConstraint(
            "(status IN ('accepted', 'refused')) ="
            " (decided_at IS NOT NULL AND decided_by IS NOT NULL AND reason IS NOT NULL)",
            name="decided",
        ),
        Index(
            "uq_change_requests_waiting",
            "dossier_id",
            "kind",
            "subject_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("status = 'waiting'"),
        ),
        Index("ix_change_requests_status_id", "status", "id"),
        Index("ix_change_requests_dossier_id", "dossier_id"),
        may("UPDATE", law=personal("Demandes de modification", dossier="dossier_id")),
    )

    TRANSITIONS: ClassVar = {
        ChangeStatus.WAITING: frozenset({ChangeStatus.ACCEPTED, ChangeStatus.REFUSED, ChangeStatus.WITHDRAWN}),
        ChangeStatus.ACCEPTED: frozenset(),
        ChangeStatus.REFUSED: frozenset(),
        ChangeStatus.WITHDRAWN: frozenset(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[ChangeStatus] = state(ChangeStatus)
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"))
    kind: Mapped[str]
    subject_id: Mapped[UUID | None]
    old: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    new: Mapped[dict[str, Any]] = mapped_column(JSONB)
    document_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    comment: Mapped[str | None]
    asked_at: Mapped[datetime]
    asked_by: Mapped[UUID]
    reason: Mapped[str | None]
    counts_from: Mapped[date | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]

    dossier: Mapped[Dossier] = relationship()

    @property
    def family(self) -> str:
        """The last names of its guardians."""
        names = (one.last_name for one in self.dossier.adults if "legal_guardian" in one.roles)
        return ", ".join(dict.fromkeys(names))

    @property
    def subject(self) -> str | None:
        """The first and last name of whom it is about."""
        if self.kind == "new_child":
            return f"{self.new['first_name']} {self.new['last_name']}"
        people: tuple[Adult | Child, ...] = (*self.dossier.adults, *self.dossier.children)
        return next((f"{one.first_name} {one.last_name}" for one in people if one.id == self.subject_id), None)
