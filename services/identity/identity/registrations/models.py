"""What a registration goes through: legal texts, claims, links; and requests to be attached by an agent."""

from datetime import datetime
from uuid import UUID

from chassis.law import AT_ONCE, impersonal, part_of, personal
from chassis.schema import may
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from identity.desk_requests import DECIDED_KEPT, DeskRequest, decided
from identity.models import Base


class LegalText(Base):
    """A version of the terms or of the privacy policy; the one published last is current."""

    __tablename__ = "legal_texts"
    __table_args__ = (
        CheckConstraint("kind IN ('terms', 'privacy')", name="kind"),
        may(law=impersonal("for ever: what was accepted stays known")),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str]
    published_at: Mapped[datetime]


class Acceptance(Base):
    """That an account accepted a legal text. Append-only; it outlives the account, of which it then says nothing."""

    __tablename__ = "acceptances"
    __table_args__ = may(
        law=personal(
            "Textes acceptés",
            account="account_id",
            stays="what was accepted and when, of nobody once the account is gone",
            kept="as long as the text",
        )
    )

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    accepted_at: Mapped[datetime]


class Claim(Base):
    """Proof that somebody is that guardian: they know the dossier's number, name and email, an agent says so, or they
    hold the letter with the code. Used once, by a registration.

    `email` is spelt as in the dossier; none: of a code, whose holder says theirs.
    """

    __tablename__ = "claims"
    __table_args__ = may(
        "UPDATE",
        "DELETE",
        law=personal(
            "Preuves de dossier",
            guardian="guardian_id",
            dossier="dossier_id",
            hidden=("digest",),
            kept=("expires_at", AT_ONCE),
        ),
    )

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    guardian_id: Mapped[UUID]
    email: Mapped[str | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LinkRequest(DeskRequest, Base):
    """Somebody who could not prove their dossier asks an agent to attach them."""

    __tablename__ = "link_requests"
    __table_args__ = (
        decided(),
        CheckConstraint("(status = 'accepted') = (guardian_id IS NOT NULL)", name="accepted_for_a_guardian"),
        Index(
            "uq_link_requests_asked",
            "dossier_number",
            "last_name",
            "first_name",
            "email",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("status = 'waiting'"),
        ),
        may(
            "UPDATE",
            "DELETE",
            law=personal("Demandes de rattachement", guardian="guardian_id", kept=("decided_at", DECIDED_KEPT)),
        ),
    )

    dossier_number: Mapped[str | None]
    guardian_id: Mapped[UUID | None]


class ActivationLink(Base):
    """A link mailed to an account that waits for it, by its secret's digest; the first one used ends them all."""

    __tablename__ = "activation_links"
    __table_args__ = (
        Index("ix_activation_links_account_id", "account_id"),
        Index("ix_activation_links_expires_at", "expires_at"),
        may(
            "UPDATE",
            "DELETE",
            law=part_of("accounts", "Liens d’activation", hidden=("digest",), kept=("expires_at", AT_ONCE)),
        ),
    )

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime]
