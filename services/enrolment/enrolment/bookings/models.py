"""Tables of bookings and their lines."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from chassis.law import part_of, personal
from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from enrolment.bookings.rules import TRANSITIONS, BookingStatus, Terms
from enrolment.catalogue.models import HolidayWeek
from enrolment.models import Base


class BookingLine(Base):
    """One child in one holiday week; while `active` it takes a place, and bars the child's overlapping weeks.

    `cancelled` is for good once the booking is confirmed, by itself or with the whole: then `reason` says in French
    whether what was paid for it is given back (`refundable`).
    """

    __tablename__ = "booking_lines"

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    child_id: Mapped[UUID]
    holiday_week_id: Mapped[UUID]
    period: Mapped[Range[date]]
    active: Mapped[bool]
    cancelled: Mapped[bool] = mapped_column(server_default=text("false"))
    refundable: Mapped[bool] = mapped_column(server_default=text("false"))
    reason: Mapped[str | None]

    # No foreign key: its check would lock the week's row, which every booking of that week updates.
    week: Mapped[HolidayWeek] = relationship(
        primaryjoin=lambda: foreign(BookingLine.holiday_week_id) == HolidayWeek.id,
        lazy="joined",
        innerjoin=True,
        viewonly=True,
    )

    __table_args__ = (
        CheckConstraint("NOT (active AND cancelled)", "cancelled"),
        ExcludeConstraint(
            ("child_id", "="),
            ("period", "&&"),
            using="gist",
            where=text("active"),
            name="ex_booking_lines_overlapping_weeks",
        ),
        may("UPDATE", "DELETE", law=part_of("bookings", "Semaines réservées", child="child_id")),
    )

    @property
    def status(self) -> Literal["active", "cancelled"]:
        """As others are told of it, whatever becomes of the whole booking."""
        return "cancelled" if self.cancelled else "active"

    def leave(self, granted: Terms) -> None:
        """Be cancelled on these terms; its place is given back before, with `free_places`."""
        self.active, self.cancelled = False, True
        self.refundable, self.reason = granted.refundable, granted.reason


class Booking(Moves[BookingStatus], Base):
    """Lines held, confirmed and paid together.

    `confirmed_version` is the version that the last confirmation published: invoices of an older one are void.
    `invoice_booking_version` is the one that its invoice was opened for: of two invoices the higher counts.
    `pay_by` is until when the desk lets the family pay; `overrides` are the rules that it passed over, each
    `{at, account_id, role, name, reason, passed_over: [{child_id, holiday_week_id, detail}]}`.
    `line_amounts` are the invoice's, by position. `late_credit_ids` are the credits that came too late for it;
    `waiting_credits` the amounts of those that have had no effect yet: the lapse that they came too late for may be on
    its way.
    """

    __tablename__ = "bookings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    status: Mapped[BookingStatus] = state(BookingStatus)
    hold_expires_at: Mapped[datetime]
    pay_by: Mapped[datetime | None]
    overrides: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    quote_id: Mapped[UUID | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_version: Mapped[int | None]
    reason: Mapped[str | None]
    invoice_id: Mapped[UUID | None]
    invoice_booking_version: Mapped[int | None]
    invoice_version: Mapped[int | None]
    invoice_number: Mapped[str | None]
    amount_cents: Mapped[int | None]
    line_amounts: Mapped[dict[str, int] | None]
    payable_until: Mapped[datetime | None]
    late_credit_ids: Mapped[list[UUID]] = mapped_column(server_default="{}")
    waiting_credits: Mapped[list[int]] = mapped_column(server_default="{}")
    version: Mapped[int]
    created_at: Mapped[datetime]

    lines: Mapped[list[BookingLine]] = relationship(
        lazy="selectin", order_by=BookingLine.position, cascade="all, delete-orphan"
    )

    __table_args__ = (
        Index(None, "dossier_id", "id"),
        Index("ix_bookings_held", "hold_expires_at", postgresql_where=text("status = 'held'")),
        may("UPDATE", law=personal("Réservations de semaines", dossier="dossier_id")),
    )

    TRANSITIONS: ClassVar = TRANSITIONS

    def change(self) -> None:
        """Become a new version, in the state that it is in."""
        self.version += 1

    @property
    def override_reason(self) -> str | None:
        """Why the desk last passed over a rule for it."""
        return self.overrides[-1]["reason"] if self.overrides else None

    @property
    def standing(self) -> list[BookingLine]:
        """The lines that were not cancelled."""
        return [line for line in self.lines if not line.cancelled]
