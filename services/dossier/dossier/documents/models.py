"""Tables: the kinds of documents that the town asks for, and what families handed in."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Literal
from uuid import UUID

from chassis.law import impersonal, personal
from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dossier.models import Base, Child

#: When a document says nothing any more, and how long it is kept after that.
OVER_AT = "greatest(uploaded_at, expires_on::timestamptz)"
KEPT = timedelta(days=2 * 365)

About = Literal["dossier", "child"]


class DocumentKind(Base):
    """Of the town's file. What is about health is named in no message; what `expires` has a last day."""

    __tablename__ = "document_kinds"
    __table_args__ = (
        CheckConstraint("about IN ('dossier', 'child')", name="about_known"),
        may(law=impersonal("as the town's description has them")),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    rank: Mapped[int]
    name: Mapped[str]
    about: Mapped[About] = mapped_column(Text())
    expires: Mapped[bool]
    health: Mapped[bool]


class DocumentStatus(StrEnum):
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class LeftFile(Base):
    """The file of a document whose row was deleted, for whatever reason, until the worker has deleted it too."""

    __tablename__ = "left_files"
    __table_args__ = may("DELETE", law=impersonal("until the file is deleted, in a moment"))

    document_id: Mapped[UUID] = mapped_column(primary_key=True)


class Document(Moves[DocumentStatus], Base):
    """Its file lies in the storage under its id, and is deleted with this row: the database tells `left_files`.

    `expires_on` is the last day on which it is good; `remind_on` the day of the next reminder.
    """

    __tablename__ = "documents"
    __table_args__ = (
        CheckConstraint("media_type IN ('application/pdf', 'image/jpeg', 'image/png')", name="media_type_known"),
        CheckConstraint("(status = 'waiting') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("status <> 'refused' OR reason IS NOT NULL", name="refused_with_reason"),
        Index("ix_documents_dossier_id", "dossier_id"),
        Index("ix_documents_child_id", "child_id"),
        Index("ix_documents_remind_on", "remind_on"),
        Index("ix_documents_expires_on", "expires_on"),
        Index("ix_documents_status_id", "status", "id"),
        may("UPDATE", law=personal("Documents", dossier="dossier_id", child="child_id", kept=(OVER_AT, KEPT))),
    )
    TRANSITIONS: ClassVar = {
        DocumentStatus.WAITING: frozenset({DocumentStatus.ACCEPTED, DocumentStatus.REFUSED}),
        DocumentStatus.ACCEPTED: frozenset(),
        DocumentStatus.REFUSED: frozenset(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[DocumentStatus] = state(DocumentStatus)
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"))
    child_id: Mapped[UUID | None] = mapped_column(ForeignKey("children.id"))
    kind: Mapped[str] = mapped_column(ForeignKey("document_kinds.code"))
    media_type: Mapped[str]
    size: Mapped[int]
    expires_on: Mapped[date | None]
    remind_on: Mapped[date | None]
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[UUID]
    at_desk: Mapped[bool]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    reason: Mapped[str | None]

    kind_entry: Mapped[DocumentKind] = relationship(lazy="raise", viewonly=True)
    child: Mapped[Child | None] = relationship(lazy="raise", viewonly=True)
