"""Accounts, with their states, and the one row of what the town chose."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from chassis.database import TYPES
from chassis.law import AT_ONCE, impersonal, part_of, personal
from chassis.schema import may, service_metadata
from chassis.states import Moves, state
from contracts.caller import CallerRole
from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from identity.passwords import Policy


class Base(DeclarativeBase):
    metadata = service_metadata("identity")
    type_annotation_map = TYPES | {bytes: LargeBinary()}


class AccountStatus(StrEnum):
    PENDING = "pending"  # registered or invited, its link not yet followed
    ACTIVE = "active"
    SUSPENDED = "suspended"  # its dossier no longer has this guardian, who may be back
    CLOSED = "closed"  # of the staff, for what was decided under that name; a guardian's is erased


class Account(Moves[AccountStatus], Base):
    """Somebody who signs in; a guardian's names and email are their dossier's own, never what was typed.

    Pending, it is there until `activation_expires_at`, the end of its newest link; `suspended_at`: since when it is.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(
            "(role = 'guardian') = (guardian_id IS NOT NULL AND dossier_id IS NOT NULL)", name="guardian_of_dossier"
        ),
        # Nobody of the staff is active without a second factor; site staff have no password: none outside their tablet.
        CheckConstraint(
            "CASE WHEN status = 'closed' THEN coalesce(password_hash, pin_hash, totp_secret) IS NULL"
            " WHEN role = 'guardian' THEN password_hash IS NOT NULL"
            " WHEN role = 'site_staff' THEN pin_hash IS NOT NULL AND password_hash IS NULL"
            " WHEN status = 'pending' THEN coalesce(password_hash, pin_hash, totp_secret) IS NULL"
            " ELSE totp_secret IS NOT NULL AND password_hash IS NOT NULL END",
            name="second_factor",
        ),
        CheckConstraint("(status = 'suspended') = (suspended_at IS NOT NULL)", name="suspended"),
        Index("uq_accounts_username_key", "username_key", unique=True),
        Index("uq_accounts_active_guardian_id", "guardian_id", unique=True, postgresql_where=text("status = 'active'")),
        Index("ix_accounts_guardian_id", "guardian_id"),
        Index("ix_accounts_email_key", "email_key"),
        Index("ix_accounts_dossier_id", "dossier_id"),
        Index(
            "ix_accounts_activation_expires_at", "activation_expires_at", postgresql_where=text("status = 'pending'")
        ),
        may(
            "UPDATE",
            "DELETE",
            law=personal(
                "Compte",
                account="id",
                dossier="dossier_id",
                hidden=("password_hash", "pin_hash", "totp_secret", "totp_last_step"),
                kept="until it is closed; a registration until its last link is over",
            ),
        ),
    )

    TRANSITIONS: ClassVar = {
        AccountStatus.PENDING: frozenset({AccountStatus.ACTIVE, AccountStatus.CLOSED}),
        AccountStatus.ACTIVE: frozenset({AccountStatus.SUSPENDED, AccountStatus.CLOSED}),
        AccountStatus.SUSPENDED: frozenset({AccountStatus.ACTIVE}),
        AccountStatus.CLOSED: frozenset(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[AccountStatus] = state(AccountStatus)
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
    site_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), default=list)
    regies: Mapped[list[str]] = mapped_column(ARRAY(Text()), default=list)
    totp_secret: Mapped[str | None]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger())
    pin_hash: Mapped[str | None]
    activation_expires_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @property
    def has_second_factor(self) -> bool:
        return self.totp_secret is not None


class TotpEnrolment(Base):
    """The secret that an account shall have once a code of it is given."""

    __tablename__ = "totp_enrolments"
    __table_args__ = (
        Index("ix_totp_enrolments_expires_at", "expires_at"),
        may(
            "UPDATE",
            "DELETE",
            law=part_of("accounts", "Seconds facteurs en cours", hidden=("secret",), kept=("expires_at", AT_ONCE)),
        ),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str]
    expires_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code that stands once for the second factor, by its digest."""

    __tablename__ = "recovery_codes"
    __table_args__ = may("DELETE", law=part_of("accounts", "Codes de secours", hidden=("digest",)))

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)


class Town(Base):
    """The one row of what the town chose."""

    __tablename__ = "town"
    __table_args__ = (
        CheckConstraint("only_row", name="only_row"),
        CheckConstraint("password_policy IN ('guide', 'cnil')", name="password_policy"),
        may(law=impersonal("as long as the town")),
    )

    only_row: Mapped[bool] = mapped_column(primary_key=True)
    name: Mapped[str]
    password_policy: Mapped[Policy] = mapped_column(Text())
    desk_name: Mapped[str]
    desk_address: Mapped[str]
    desk_phone: Mapped[str]
