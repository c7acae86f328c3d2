"""Events that planning publishes."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from contracts.envelope import Event, Fact
from contracts.notices import NoticeWritten as Notice


class RefusedDay(Fact):
    """A day that could not be reserved, and why in French."""

    date: date
    reason: str


class EnrolmentApplied(Event):
    """What planning made of an enrolment at that `version` (the enrolment's own); days in order.

    Of what the version asked anew: `reserved` are the days of its usual weeks that are reserved now, `refused` those
    that could not be, `cancelled` those given up. `still_due` are given up after their deadline: they stay reserved and
    are charged.
    """

    type: ClassVar[str] = "planning.enrolment_applied"
    subject_field: ClassVar[str] = "enrolment_id"

    enrolment_id: UUID
    reserved: tuple[date, ...]
    refused: tuple[RefusedDay, ...]
    cancelled: tuple[date, ...]
    still_due: tuple[date, ...]


class ReservedDay(Fact):
    """`dossier_id` is the family that reserved it, `site_id` where the child is expected (none: not known)."""

    date: date
    dossier_id: UUID
    site_id: UUID | None


class ReservationsChanged(Event):
    """All reserved days, in order, of one child in one activity and month (« 2026-12 »).

    `reservations_id` is named by these three (`chassis.identifiers.named_id("reservations", child, activity, month)`).
    """

    type: ClassVar[str] = "planning.reservations_changed"
    subject_field: ClassVar[str] = "reservations_id"

    reservations_id: UUID
    child_id: UUID
    activity_id: UUID
    month: str
    days: tuple[ReservedDay, ...]


class NoticeWritten(Notice):
    type: ClassVar[str] = "planning.notice_written"


EVENTS: tuple[type[Event], ...] = (EnrolmentApplied, ReservationsChanged, NoticeWritten)
