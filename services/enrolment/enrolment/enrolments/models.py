"""Tables of enrolments, and of what planning answered to them."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from chassis.law import part_of, personal
from chassis.schema import may
from chassis.states import Moves, state
from contracts.enrolment import Actor, UsualWeek
from contracts.planning import RefusedDay
from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from enrolment.enrolments.rules import TRANSITIONS, EnrolmentStatus
from enrolment.models import Base, Json


class Enrolment(Moves[EnrolmentStatus], Base):
    """A child in an activity from the first to the last day, both included, of a school year.

    `usual_weeks` are all wishes, numbered from 1. An active one always lasts until the school year's end, so the days
    that exclude each other hold a child to one of them; withdrawn, it ends on the day before it is left, which is the
    day before it began where no day of it remains. `created_by` keeps why the desk passed over a rule.
    """

    __tablename__ = "enrolments"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    child_id: Mapped[UUID]
    dossier_id: Mapped[UUID]
    activity_id: Mapped[UUID]
    site_id: Mapped[UUID | None]
    school_year: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    status: Mapped[EnrolmentStatus] = state(EnrolmentStatus)
    usual_weeks: Mapped[tuple[UsualWeek, ...]] = mapped_column(Json(tuple[UsualWeek, ...]), server_default="[]")
    created_at: Mapped[datetime]
    created_by: Mapped[Actor] = mapped_column(Json(Actor))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[Actor | None] = mapped_column(Json(Actor))
    version: Mapped[int]

    # No foreign key: either may come first.
    applied: Mapped["AppliedEnrolment | None"] = relationship(
        primaryjoin=lambda: foreign(Enrolment.id) == AppliedEnrolment.id, lazy="joined", viewonly=True
    )

    __table_args__ = (
        CheckConstraint("valid_from <= valid_to + 1", "days"),
        ExcludeConstraint(
            ("child_id", "="),
            ("activity_id", "="),
            (text("daterange(valid_from, valid_to + 1)"), "&&"),
            using="gist",
            name="ex_enrolments_one_at_a_time",
        ),
        Index(None, "child_id", "activity_id"),
        may("UPDATE", law=personal("Inscriptions", dossier="dossier_id", child="child_id")),
    )

    TRANSITIONS: ClassVar = TRANSITIONS

    def change(self) -> None:
        """Become a new version, in the state that it is in."""
        self.version += 1

    @property
    def pending(self) -> bool:
        """Until planning has answered."""
        return self.applied is None or self.applied.version < self.version


class AppliedEnrolment(Base):
    """What planning made of an enrolment, at the enrolment's `version`: its newest answer, days in order."""

    __tablename__ = "applied_enrolments"
    __table_args__ = may("UPDATE", law=part_of("enrolments", "Jours des inscriptions", by="id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reserved: Mapped[list[date]]
    refused: Mapped[tuple[RefusedDay, ...]] = mapped_column(Json(tuple[RefusedDay, ...]))
    cancelled: Mapped[list[date]]
    still_due: Mapped[list[date]]
    version: Mapped[int]
