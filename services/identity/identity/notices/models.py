"""Notices, with their states; messages, which accounts keep; and which mails an account goes without."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from chassis.law import AT_ONCE, personal
from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base
from identity.notices.rules import Category

MESSAGES_KEPT = timedelta(days=2 * 365)
#: What somebody of the desk has dealt with can be looked up for so long.
DEALT_WITH_KEPT = timedelta(days=365)
#: What was printed can be printed again for so long: a printer jams, a letter comes back.
PRINTED_KEPT = timedelta(days=30)
_OVER = f"least(created_at + interval '{MESSAGES_KEPT.days} days', printed_at + interval '{PRINTED_KEPT.days} days')"


class NoticeStatus(StrEnum):
    TO_SEND = "to_send"
    SENT = "sent"
    TO_PRINT = "to_print"  # no mail reaches them: the desk sends a letter
    PRINTED = "printed"
    UNDELIVERABLE = "undeliverable"  # nor would a letter


class Notice(Moves[NoticeStatus], Base):
    """A notice to one recipient; `notice_id` is the same for all of them.

    Neither `email` (to print) nor `account_id` need be known; `to_desk` has its address from the settings. Who takes it
    to send puts `next_at` off, for as long as sending may last. What was sent keeps its title only. A letter goes to a
    dossier: to all its guardians, or to that one.
    """

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint("status <> 'to_send' OR to_desk OR email IS NOT NULL", name="has_address"),
        CheckConstraint("status NOT IN ('to_print', 'printed') OR dossier_id IS NOT NULL", name="letter_to_a_dossier"),
        CheckConstraint("(status = 'printed') = (printed_at IS NOT NULL)", name="printed"),
        Index("uq_notices_notice_id_email", "notice_id", "email", unique=True, postgresql_nulls_not_distinct=True),
        Index("ix_notices_next_at", "next_at", postgresql_where=text("status = 'to_send'")),
        Index("ix_notices_to_print", "id", postgresql_where=text("status = 'to_print'")),
        Index("ix_notices_account_id", "account_id"),
        may(
            "UPDATE",
            "DELETE",
            law=personal(
                "Envois",
                account="account_id",
                guardian="guardian_id",
                dossier="dossier_id",
                kept=(_OVER, AT_ONCE),
            ),
        ),
    )

    TRANSITIONS: ClassVar = {
        NoticeStatus.TO_SEND: frozenset({NoticeStatus.SENT, NoticeStatus.TO_PRINT, NoticeStatus.UNDELIVERABLE}),
        NoticeStatus.TO_PRINT: frozenset({NoticeStatus.PRINTED}),
        NoticeStatus.SENT: frozenset(),
        NoticeStatus.PRINTED: frozenset(),
        NoticeStatus.UNDELIVERABLE: frozenset(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    notice_id: Mapped[UUID]
    status: Mapped[NoticeStatus] = state(NoticeStatus)
    dossier_id: Mapped[UUID | None]
    guardian_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]
    to_desk: Mapped[bool]
    email: Mapped[str | None]
    title: Mapped[str]
    paragraphs: Mapped[list[str]] = mapped_column(JSONB())
    link: Mapped[str | None]
    attempts: Mapped[int]
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    printed_at: Mapped[datetime | None]

    @property
    def has_secret(self) -> bool:
        """Whether its link lets somebody in: it is for one mailbox, and over within days."""
        return "token=" in (self.link or "")


class Message(Base):
    """A notice as an account keeps it, whatever became of its mail; `link` is a page's path, without any secret."""

    __tablename__ = "messages"
    __table_args__ = (
        Index("uq_messages_account_id_notice_id", "account_id", "notice_id", unique=True),
        Index("ix_messages_account_id_id", "account_id", "id"),
        Index("ix_messages_created_at", "created_at"),
        may("UPDATE", "DELETE", law=personal("Messages", account="account_id", kept=("created_at", MESSAGES_KEPT))),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    notice_id: Mapped[UUID]
    title: Mapped[str]
    paragraphs: Mapped[list[str]] = mapped_column(JSONB())
    link: Mapped[str | None]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class DeskNotice(Base):
    """A notice to the desk as it waits for somebody there: `done_by` has dealt with it. About that dossier, if any."""

    __tablename__ = "desk_notices"
    __table_args__ = (
        CheckConstraint("(done_at IS NULL) = (done_by IS NULL)", name="done"),
        Index("ix_desk_notices_waiting", "id", postgresql_where=text("done_at IS NULL")),
        may(
            "UPDATE",
            "DELETE",
            law=personal("Affaires suivies par le guichet", dossier="dossier_id", kept=("done_at", DEALT_WITH_KEPT)),
        ),
    )

    #: That of its notice: told twice, it waits once.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID | None]
    title: Mapped[str]
    paragraphs: Mapped[list[str]] = mapped_column(JSONB())
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[UUID | None]
    done_by_name: Mapped[str | None]


class UnwantedMail(Base):
    """A category of which an account gets messages only, and no mail."""

    __tablename__ = "unwanted_mails"
    __table_args__ = may("DELETE", law=personal("Courriels refusés", account="account_id"))

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    category: Mapped[Category] = mapped_column(Text(), primary_key=True)
