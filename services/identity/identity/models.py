"""The tables, with the states of accounts and notices."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis.database import TYPES
from chassis.schema import may, service_metadata
from contracts.caller import CallerRole
from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from identity.passwords import Policy


class Base(DeclarativeBase):
    metadata = service_metadata("identity")
    type_annotation_map = TYPES | {bytes: LargeBinary()}


class AccountStatus(StrEnum):
    PENDING = "pending"  # registered, its link not yet followed
    ACTIVE = "active"
    CLOSED = "closed"


class NoticeStatus(StrEnum):
    TO_SEND = "to_send"
    SENT = "sent"
    TO_PRINT = "to_print"  # no address reaches them: the desk sends a letter


TRANSITIONS: dict[str, frozenset[str]] = {
    AccountStatus.PENDING: frozenset({AccountStatus.ACTIVE}),
    AccountStatus.ACTIVE: frozenset({AccountStatus.CLOSED}),
    AccountStatus.CLOSED: frozenset(),
    NoticeStatus.TO_SEND: frozenset({NoticeStatus.SENT, NoticeStatus.TO_PRINT}),
    NoticeStatus.TO_PRINT: frozenset(),
    NoticeStatus.SENT: frozenset(),
}


class IllegalMove(Exception):
    """A program's error: no state of ours is ever left that way."""


def move(thing: "Account | Notice", status: AccountStatus | NoticeStatus) -> None:
    """The one way a state changes; raises IllegalMove where TRANSITIONS knows no such way."""
    if status not in TRANSITIONS[thing.status]:
        raise IllegalMove(f"{thing.status} → {status}")
    thing.status = status


class Account(Base):
    """Somebody who signs in; a guardian's names and email are their dossier's own, never what was typed.

    Pending, it is there until `activation_expires_at`, the end of its newest link.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'active', 'closed')", name="status"),
        CheckConstraint(
            "(role = 'guardian') = (guardian_id IS NOT NULL AND dossier_id IS NOT NULL)", name="guardian_of_dossier"
        ),
        # Nobody of the staff exists without a second factor; site staff have no password, so none outside their tablet.
        CheckConstraint(
            "CASE role WHEN 'guardian' THEN password_hash IS NOT NULL"
            " WHEN 'site_staff' THEN pin_hash IS NOT NULL AND password_hash IS NULL"
            " ELSE totp_secret IS NOT NULL AND password_hash IS NOT NULL END",
            name="second_factor",
        ),
        Index("uq_accounts_username_key", "username_key", unique=True),
        Index("uq_accounts_active_guardian_id", "guardian_id", unique=True, postgresql_where=text("status = 'active'")),
        Index("ix_accounts_email_key", "email_key"),
        Index("ix_accounts_dossier_id", "dossier_id"),
        Index(
            "ix_accounts_activation_expires_at", "activation_expires_at", postgresql_where=text("status = 'pending'")
        ),
        may("UPDATE", "DELETE"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[str]
    role: Mapped[CallerRole] = mapped_column(Text())
    username: Mapped[str]
    username_key: Mapped[str]
    password_hash: Mapped[str | None]
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    dossier_id: Mapped[UUID | None]
    guardian_id: Mapped[UUID | None]
    site_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    totp_secret: Mapped[str | None]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger())
    pin_hash: Mapped[str | None]
    activation_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ActivationLink(Base):
    """A link mailed to a pending account, by its secret's digest; the first one used ends them all."""

    __tablename__ = "activation_links"
    __table_args__ = (Index("ix_activation_links_account_id", "account_id"), may("DELETE"))

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]


class LegalText(Base):
    """A version of the terms or of the privacy policy; the one published last is current."""

    __tablename__ = "legal_texts"
    __table_args__ = (CheckConstraint("kind IN ('terms', 'privacy')", name="kind"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str]
    published_at: Mapped[datetime]


class Acceptance(Base):
    """That an account accepted a legal text. Append-only; it outlives the account, of which it then says nothing."""

    __tablename__ = "acceptances"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    accepted_at: Mapped[datetime]


class Town(Base):
    """The one row of what the town chose."""

    __tablename__ = "town"
    __table_args__ = (
        CheckConstraint("only_row", name="only_row"),
        CheckConstraint("password_policy IN ('guide', 'cnil')", name="password_policy"),
    )

    only_row: Mapped[bool] = mapped_column(primary_key=True)
    name: Mapped[str]
    password_policy: Mapped[Policy] = mapped_column(Text())


class Dossier(Base):
    """Our copy of a dossier: `guardians` are its legal guardians, [{guardian_id, first_name, last_name, email}].

    Empty while the dossier is archived.
    """

    __tablename__ = "dossiers"
    __table_args__ = (Index("ix_dossiers_number", "number"), may("UPDATE"))

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    guardians: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())


class Claim(Base):
    """Proof that somebody knows a guardian's dossier number, name and email; used once, by a registration.

    `email` is spelt as in the dossier.
    """

    __tablename__ = "claims"
    __table_args__ = may("UPDATE", "DELETE")

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    guardian_id: Mapped[UUID]
    email: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LinkRequest(Base):
    """Somebody who could not prove their dossier asks an agent to attach them."""

    __tablename__ = "link_requests"
    __table_args__ = (
        Index(
            "uq_link_requests_asked",
            "dossier_number",
            "last_name",
            "first_name",
            "email",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_number: Mapped[str | None]
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    created_at: Mapped[datetime]


class Device(Base):
    """A tablet enrolled for a site: its token's digest. A PIN works on it alone; deleted, its sessions end."""

    __tablename__ = "devices"
    __table_args__ = (Index("uq_devices_digest", "digest", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    name: Mapped[str]
    digest: Mapped[bytes]
    created_at: Mapped[datetime]


class SignedIn(Base):
    """A line of sessions, from one sign-in: `generation` counts its refresh tokens. It ends by being deleted."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_expires_at", "expires_at"),
        Index("ix_sessions_account_id", "account_id"),
        Index("ix_sessions_device_id", "device_id"),
        may("UPDATE", "DELETE"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"))
    generation: Mapped[int]
    rotated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Client(Base):
    """A program of the town."""

    __tablename__ = "clients"
    __table_args__ = (Index("uq_clients_name", "name", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[str]
    scope: Mapped[str]


class Tries(Base):
    """Tries counted until the end of their ten minutes, under the digest of what they were at."""

    __tablename__ = "tries"
    __table_args__ = may("UPDATE", "DELETE")

    key: Mapped[bytes] = mapped_column(primary_key=True)
    tried: Mapped[int]
    ends_at: Mapped[datetime]


class KnownAddress(Base):
    """An address, by a keyed digest, from which an account or a client has signed in."""

    __tablename__ = "known_addresses"
    __table_args__ = (Index("ix_known_addresses_seen_at", "seen_at"), may("UPDATE", "DELETE"))

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class Lane(Base):
    """Strangers' guesses at one login: one under way until `busy_until`, the next one not before `next_at`."""

    __tablename__ = "lanes"
    __table_args__ = may("UPDATE", "DELETE")

    key: Mapped[bytes] = mapped_column(primary_key=True)
    wrong: Mapped[int]
    next_at: Mapped[datetime]
    busy_until: Mapped[datetime]
    ends_at: Mapped[datetime]


class Ticket(Base):
    """A guess that waits for its turn in a lane; one that was not seen for some seconds has left."""

    __tablename__ = "tickets"
    __table_args__ = (Index("ix_tickets_lane", "lane"), may("UPDATE", "DELETE"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lane: Mapped[bytes]
    network: Mapped[bytes]
    rank: Mapped[int]
    seen_at: Mapped[datetime]


class Notice(Base):
    """A notice to one recipient; `notice_id` is the same for all of them.

    Neither `email` (to print) nor `account_id` need be known; `to_desk` has its address from the settings. Who takes it
    to send puts `next_at` off, for as long as sending may last. What was sent keeps its title only.
    """

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint("status IN ('to_send', 'sent', 'to_print')", name="status"),
        CheckConstraint("status <> 'to_send' OR to_desk OR email IS NOT NULL", name="has_address"),
        Index("uq_notices_notice_id_email", "notice_id", "email", unique=True, postgresql_nulls_not_distinct=True),
        Index("ix_notices_next_at", "next_at", postgresql_where=text("status = 'to_send'")),
        Index("ix_notices_account_id", "account_id"),
        may("UPDATE", "DELETE"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    notice_id: Mapped[UUID]
    status: Mapped[str]
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
