"""Passkeys, and the challenges that one is asked to sign."""

from datetime import datetime
from uuid import UUID

from chassis.law import AT_ONCE, impersonal, part_of
from chassis.schema import may
from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base


class Passkey(Base):
    """The public half of a key that a device of theirs keeps; `used` counts as that device does, where it does."""

    __tablename__ = "passkeys"
    __table_args__ = (
        Index("uq_passkeys_credential_id", "credential_id", unique=True),
        Index("ix_passkeys_account_id", "account_id"),
        may("UPDATE", "DELETE", law=part_of("accounts", "Clés d'accès", hidden=("credential_id", "public_key"))),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str]
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]
    used: Mapped[int] = mapped_column(BigInteger())
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Challenge(Base):
    """Signed once: to register a passkey of that account or, of nobody, to sign in."""

    __tablename__ = "passkey_challenges"
    __table_args__ = (
        Index("ix_passkey_challenges_expires_at", "expires_at"),
        may("DELETE", law=impersonal(("expires_at", AT_ONCE))),
    )

    challenge: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]
