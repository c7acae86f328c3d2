"""Enrolled tablets, and lines of sessions."""

from datetime import datetime
from uuid import UUID

from chassis.law import AT_ONCE, impersonal, personal
from chassis.schema import may
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base


class Device(Base):
    """A tablet enrolled for a site: its token's digest. A PIN works on it alone; deleted, its sessions end."""

    __tablename__ = "devices"
    __table_args__ = (
        Index("uq_devices_digest", "digest", unique=True),
        may("UPDATE", "DELETE", law=impersonal("as long as the tablet is enrolled")),
    )

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
        may("UPDATE", "DELETE", law=personal("Connexions", account="account_id", kept=("expires_at", AT_ONCE))),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"))
    generation: Mapped[int]
    rotated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
