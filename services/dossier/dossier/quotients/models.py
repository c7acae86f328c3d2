"""Tables: who agreed to be asked for, and what became of asking for everybody."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from chassis.law import impersonal, personal
from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dossier.models import Base

KEPT = timedelta(days=365)


class QuotientConsent(Base):
    """That an adult agreed to have their quotient asked for, and what it takes; gone when they agree no more."""

    __tablename__ = "quotient_consents"
    __table_args__ = (
        CheckConstraint("sex IN ('F', 'M')", name="sex_known"),
        CheckConstraint("(birth_country = '99100') = (birthplace IS NOT NULL)", name="birthplace_in_france"),
        may(
            "UPDATE",
            law=personal(
                "Accord pour demander le quotient familial",
                guardian="adult_id",
                dossier="dossier_id",
                kept="until it is withdrawn",
            ),
        ),
    )

    adult_id: Mapped[UUID] = mapped_column(ForeignKey("adults.id", ondelete="CASCADE"), primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"), index=True)
    birth_name: Mapped[str]
    first_names: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    sex: Mapped[str]
    birth_date: Mapped[date]
    birth_country: Mapped[str]
    birthplace: Mapped[str | None]
    agreed_at: Mapped[datetime]
    agreed_by: Mapped[UUID]


class CampaignStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"


class Campaign(Moves[CampaignStatus], Base):
    """Asking for every family of which an adult agreed. Nobody asks before `next_at`: until then one worker does, or
    API Particulier is left alone; `trouble` says in French why.
    """

    __tablename__ = "quotient_campaigns"
    __table_args__ = (
        # One at a time.
        Index("ix_quotient_campaigns_running", "status", unique=True, postgresql_where=text("status = 'running'")),
        may("UPDATE", law=impersonal(("asked_at", KEPT))),
    )
    TRANSITIONS: ClassVar = {
        CampaignStatus.RUNNING: frozenset({CampaignStatus.DONE}),
        CampaignStatus.DONE: frozenset(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[CampaignStatus] = state(CampaignStatus)
    version: Mapped[int]
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime]
    next_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    trouble: Mapped[str | None]


class Asked(Base):
    """A family of a campaign, and what came of it (nothing yet)."""

    __tablename__ = "quotient_asked"
    __table_args__ = (
        CheckConstraint("outcome IN ('changed', 'unchanged', 'unknown', 'no_consent')", name="outcome_known"),
        may("UPDATE", law=personal("Demandes du quotient familial", dossier="dossier_id")),
    )

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("quotient_campaigns.id", ondelete="CASCADE"), primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"), primary_key=True)
    outcome: Mapped[str | None]
    detail: Mapped[str | None]
