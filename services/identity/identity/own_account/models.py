"""Links that let somebody in who lost their password, or that confirm another email."""

from datetime import datetime
from uuid import UUID

from chassis.law import AT_ONCE, part_of
from chassis.schema import may
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base


class ResetLink(Base):
    """A link mailed to who lost their password, by its secret's digest; the first one used ends them all."""

    __tablename__ = "reset_links"
    __table_args__ = (
        Index("ix_reset_links_account_id", "account_id"),
        Index("ix_reset_links_expires_at", "expires_at"),
        may(
            "UPDATE",
            "DELETE",
            law=part_of("accounts", "Mots de passe perdus", hidden=("digest",), kept=("expires_at", AT_ONCE)),
        ),
    )

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]


class EmailChange(Base):
    """The email that an account shall have once the link mailed there, by its secret's digest, is followed."""

    __tablename__ = "email_changes"
    __table_args__ = (
        Index("uq_email_changes_digest", "digest", unique=True),
        Index("ix_email_changes_expires_at", "expires_at"),
        may(
            "UPDATE",
            "DELETE",
            law=part_of("accounts", "Changements de courriel", hidden=("digest",), kept=("expires_at", AT_ONCE)),
        ),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes]
    email: Mapped[str]
    expires_at: Mapped[datetime]
