"""Tables of enrolment: the catalogue, copies of families, and bookings with their states and transitions."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from chassis.database import TYPES
from chassis.schema import may, service_metadata
from sqlalchemy import CheckConstraint, Date, Enum, ForeignKey, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, ExcludeConstraint, Range
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship

from enrolment.eligibility import TRANSITIONS, BookingStatus


class IllegalMove(Exception):
    """A booking was asked to go where its state does not lead."""


class Base(DeclarativeBase):
    metadata = service_metadata("enrolment", extensions=["btree_gist"])
    type_annotation_map = TYPES | {
        BookingStatus: Enum(
            BookingStatus, native_enum=False, length=20, values_callable=lambda kind: [one.value for one in kind]
        ),
        list[str]: ARRAY(Text()),
        list[int]: ARRAY(Integer()),
        list[date]: ARRAY(Date()),
        list[UUID]: ARRAY(Uuid()),
        dict[str, int]: JSONB(none_as_null=True),
        Range[date]: DATERANGE(),
    }


class Site(Base):
    """A school or a leisure centre."""

    __tablename__ = "sites"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    version: Mapped[int]

    __table_args__ = (CheckConstraint("kind IN ('school', 'centre')", "kind"),)


class Activity(Base):
    """A catalogue entry; `regie` is the code of the régie that collects for it."""

    __tablename__ = "activities"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    site_id: Mapped[UUID | None]
    payment: Mapped[str]
    charging: Mapped[str]
    regie: Mapped[str]
    version: Mapped[int]


class HolidayWeek(Base):
    """A centre's places for one week and age group. `taken`: held, confirmed and paid lines together."""

    __tablename__ = "holiday_weeks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID]
    site_id: Mapped[UUID]
    centre: Mapped[str]
    name: Mapped[str]
    group_name: Mapped[str]
    min_age: Mapped[int]
    max_age: Mapped[int]
    dates: Mapped[list[date]]
    period: Mapped[Range[date]]
    places: Mapped[int]
    taken: Mapped[int]
    booking_closes_at: Mapped[datetime]
    cancellation_closes_at: Mapped[datetime]
    hold_minutes: Mapped[int]
    version: Mapped[int]

    __table_args__ = (
        CheckConstraint("0 <= taken AND taken <= places", "places"),
        Index("ix_holiday_weeks_first_day", text("lower(period)"), "centre", "id"),
        may("UPDATE"),
    )


class Dossier(Base):
    """Copy of a family's dossier; `missing` names what keeps it incomplete."""

    __tablename__ = "dossiers"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    status: Mapped[str]
    missing: Mapped[list[str]]
    version: Mapped[int]


class Child(Base):
    """Copy of a child, of one dossier or of two (split custody)."""

    __tablename__ = "children"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_ids: Mapped[list[UUID]]
    first_name: Mapped[str]
    birth_date: Mapped[date]
    version: Mapped[int]


class BookingLine(Base):
    """One child in one holiday week; while `active` it takes a place, and bars the child's overlapping weeks.

    `cancelled` is for good, by itself or with the whole booking: then `reason` says in French whether what was paid for
    it is given back (`refundable`).
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
        may("UPDATE", "DELETE"),
    )

    @property
    def status(self) -> Literal["active", "cancelled"]:
        """As others are told of it, whatever becomes of the whole booking."""
        return "cancelled" if self.cancelled else "active"


class Booking(Base):
    """Lines held, confirmed and paid together.

    `confirmed_version` is the version that the last confirmation published: invoices of an older one are void.
    `invoice_booking_version` is the one that its invoice was opened for: of two invoices the higher counts.
    `line_amounts` are the invoice's, by position. `late_credit_ids` are the credits that came too late for it;
    `waiting_credits` the amounts of those that have had no effect yet: the lapse that they came too late for may be on
    its way.
    """

    __tablename__ = "bookings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID]
    status: Mapped[BookingStatus]
    hold_expires_at: Mapped[datetime]
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
        CheckConstraint("status IN ('held', 'confirmed', 'paid', 'expired', 'cancelled')", "status"),
        Index(None, "dossier_id", "id"),
        Index("ix_bookings_held", "hold_expires_at", postgresql_where=text("status = 'held'")),
        may("UPDATE"),
    )

    def move(self, to: BookingStatus) -> None:
        """Go to that state, as a new version; raises IllegalMove."""
        if to not in TRANSITIONS[self.status]:
            raise IllegalMove(f"{self.status} -> {to}")
        self.status = to
        self.change()

    def change(self) -> None:
        """Become a new version, in the state that it is in."""
        self.version += 1

    @property
    def standing(self) -> list[BookingLine]:
        """The lines that were not cancelled."""
        return [line for line in self.lines if not line.cancelled]
