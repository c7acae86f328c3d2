"""Notices, with their states."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base


class NoticeStatus(StrEnum):
    TO_SEND = "to_send"
    SENT = "sent"
    TO_PRINT = "to_print"  # no address reaches them: the desk sends a letter


class Notice(Moves[NoticeStatus], Base):
    """A notice to one recipient; `notice_id` is the same for all of them.

    Neither `email` (to print) nor `account_id` need be known; `to_desk` has its address from the settings. Who takes it
    to send puts `next_at` off, for as long as sending may last. What was sent keeps its title only.
    """

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint("status <> 'to_send' OR to_desk OR email IS NOT NULL", name="has_address"),
        Index("uq_notices_notice_id_email", "notice_id", "email", unique=True, postgresql_nulls_not_distinct=True),
        Index("ix_notices_next_at", "next_at", postgresql_where=text("status = 'to_send'")),
        Index("ix_notices_account_id", "account_id"),
        may("UPDATE", "DELETE"),
    )

    TRANSITIONS: ClassVar = {
        NoticeStatus.TO_SEND: frozenset({NoticeStatus.SENT, NoticeStatus.TO_PRINT}),
        NoticeStatus.SENT: frozenset(),
        NoticeStatus.TO_PRINT: frozenset(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    notice_id: Mapped[UUID]
    status: Mapped[NoticeStatus] = state(NoticeStatus)
    dossier_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    to_desk: Mapped[bool]
    email: Mapped[str | None]
    title: Mapped[str]
    paragraphs: Mapped[list[str]] = mapped_column(JSONB())
    link: Mapped[str | None]
    attempts: Mapped[int]
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
