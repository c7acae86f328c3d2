"""Tables of the waiting list."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis.law import impersonal, personal
from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import Boolean, CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from enrolment.catalogue.models import HolidayWeek
from enrolment.copies import Child
from enrolment.models import Base
from enrolment.waiting_list.rules import TRANSITIONS, WaitingStatus

#: What stands in the list: an offered entry takes one of its week's places.
STANDING = text("status IN ('waiting', 'offered')")


class WaitingEntry(Moves[WaitingStatus], Base):
    """A child that waits for a place in a week, once. Entries of one `group_id` wait together.

    It changes under its week's lock alone. `criteria` are what it had its points for when it was offered; `reason` says
    in French why it was closed.
    """

    __tablename__ = "waiting_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    group_id: Mapped[UUID]
    dossier_id: Mapped[UUID]
    child_id: Mapped[UUID]
    holiday_week_id: Mapped[UUID]
    status: Mapped[WaitingStatus] = state(WaitingStatus)
    joined_at: Mapped[datetime]
    offered_at: Mapped[datetime | None]
    offer_expires_at: Mapped[datetime | None]
    criteria: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    booking_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    version: Mapped[int]

    week: Mapped[HolidayWeek] = relationship(
        primaryjoin=lambda: foreign(WaitingEntry.holiday_week_id) == HolidayWeek.id,
        lazy="joined",
        innerjoin=True,
        viewonly=True,
    )
    child: Mapped[Child] = relationship(
        primaryjoin=lambda: foreign(WaitingEntry.child_id) == Child.id, lazy="joined", innerjoin=True, viewonly=True
    )

    __table_args__ = (
        CheckConstraint("status <> 'offered' OR offer_expires_at IS NOT NULL", "offered"),
        Index("uq_waiting_entries_standing", "child_id", "holiday_week_id", unique=True, postgresql_where=STANDING),
        Index("ix_waiting_entries_standing", "holiday_week_id", "dossier_id", postgresql_where=STANDING),
        Index("ix_waiting_entries_families", "dossier_id", postgresql_where=STANDING),
        Index("ix_waiting_entries_offered", "offer_expires_at", postgresql_where=text("status = 'offered'")),
        Index(None, "dossier_id", "id"),
        Index(None, "group_id", "status"),
        may("UPDATE", law=personal("Listes d’attente", dossier="dossier_id", child="child_id")),
    )

    TRANSITIONS: ClassVar = TRANSITIONS


class WaitingRules(Base):
    """What the town says of its waiting list, in one row: criteria with their points, and how long an offer stands."""

    __tablename__ = "waiting_rules"

    only_row: Mapped[bool] = mapped_column(Boolean(), primary_key=True)
    offer_hours: Mapped[int]
    criteria: Mapped[list[dict[str, Any]]]

    __table_args__ = (CheckConstraint("only_row", "only_row"), may("UPDATE", law=impersonal("as long as the town")))
