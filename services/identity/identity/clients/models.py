"""The town's programs, and their secrets."""

from datetime import datetime
from uuid import UUID

from chassis.law import AT_ONCE, impersonal
from chassis.schema import may
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base


class Client(Base):
    """A program of the town; `scope` are words with spaces between."""

    __tablename__ = "clients"
    __table_args__ = (
        Index("uq_clients_name", "name", unique=True),
        may("UPDATE", "DELETE", law=impersonal("as long as the program has its access")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    scope: Mapped[str]
    created_at: Mapped[datetime]


class ClientSecret(Base):
    """A secret of a program's, by its hash; one that was replaced is good until `expires_at`."""

    __tablename__ = "client_secrets"
    __table_args__ = (
        Index("ix_client_secrets_client_id", "client_id"),
        Index("ix_client_secrets_expires_at", "expires_at"),
        may("UPDATE", "DELETE", law=impersonal(("expires_at", AT_ONCE))),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id", ondelete="CASCADE"))
    hash: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
