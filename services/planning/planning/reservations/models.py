"""Tables: the reserved days and their places, the version of each family's month, and the history, which only grows."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from chassis.law import impersonal, personal
from chassis.schema import may
from chassis.states import state
from sqlalchemy import ARRAY, CheckConstraint, Date, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from planning.models import Base


class ReservationStatus(StrEnum):
    RESERVED = "reserved"
    CANCELLED = "cancelled"


class Reservation(Base):
    """A day of a child in an activity, that is reserved or once was; `version` counts the changes of that day.

    `dossier_id` is the family that reserved it, `site_id` where the child is expected (none: not known), `band` where
    its place is counted (`slots`; none: it is not).
    """

    __tablename__ = "reservations"
    __table_args__ = (
        # Whose days an edit of calendar or rules touches.
        Index(
            None,
            "activity_id",
            "day",
            postgresql_include=["child_id", "dossier_id", "site_id"],
            postgresql_where=text("status = 'reserved'"),
        ),
        may("UPDATE", law=personal("Jours réservés", dossier="dossier_id", child="child_id")),
    )

    child_id: Mapped[UUID] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    status: Mapped[ReservationStatus] = state(ReservationStatus)
    dossier_id: Mapped[UUID]
    site_id: Mapped[UUID | None]
    band: Mapped[str | None]
    version: Mapped[int]
    changed_at: Mapped[datetime]


class Slot(Base):
    """So many places of a band (`Band.key`) at a site on a day; made when somebody first wants one.

    `taken` counts the reserved days that have its four keys: what has none is not counted. Children whose site is not
    known are at the site `slots.rules.NOWHERE`.
    """

    __tablename__ = "slots"
    __table_args__ = (
        CheckConstraint("taken BETWEEN 0 AND places", name="taken"),
        may("UPDATE", law=impersonal("for ever: how many places were taken, not by whom")),
    )

    activity_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    band: Mapped[str] = mapped_column(primary_key=True)
    places: Mapped[int]
    taken: Mapped[int]


class PlanningMonth(Base):
    """The month (its first day) of a dossier: `version` counts the changes of its children's days.

    Its row is the lock that everybody takes first who changes them; without one it has version 0.
    """

    __tablename__ = "planning_months"
    __table_args__ = may("UPDATE", law=personal("Mois", dossier="dossier_id", unexported="a counter"))

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[int]


class Entry(Base):
    """What one change did to a month (its first day) of a child in an activity: who, when, for which family, why.

    Nobody (role `town`, no account): it followed from what the reason says. What moved to another site is `reserved`.
    `version` counts these from 1: it is that of `planning.reservations_changed`. `name` is as it was known then.
    """

    __tablename__ = "entries"
    __table_args__ = (
        Index(None, "dossier_id", "month"),
        may(law=personal("Historique du planning", dossier="dossier_id", child="child_id")),
    )

    child_id: Mapped[UUID] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    dossier_id: Mapped[UUID]
    account_id: Mapped[UUID | None]
    role: Mapped[str]
    name: Mapped[str | None]
    reason: Mapped[str | None]
    reserved: Mapped[list[date]] = mapped_column(ARRAY(Date()))
    cancelled: Mapped[list[date]] = mapped_column(ARRAY(Date()))
