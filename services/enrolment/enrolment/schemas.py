"""What enrolment's API takes and gives."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, Self
from uuid import UUID

from chassis.bodies import RequestBody
from pydantic import AwareDatetime, BaseModel, Field

from enrolment.bookings import Refused, Wish
from enrolment.catalogue import Offer
from enrolment.eligibility import BEGUN, begun
from enrolment.models import Booking, BookingLine, BookingStatus


class LineWish(RequestBody):
    child_id: UUID
    holiday_week_id: UUID


class BookingRequest(RequestBody):
    """`dossier_id` is for agents alone; `keep_available` keeps the lines that have a place when others have none."""

    lines: list[LineWish] = Field(min_length=1, max_length=20)
    keep_available: bool = False
    dossier_id: UUID | None = None

    def wishes(self) -> list[Wish]:
        return [Wish(position, line.child_id, line.holiday_week_id) for position, line in enumerate(self.lines)]


class Confirmation(RequestBody):
    quote_id: UUID


class SiteAnswer(BaseModel, from_attributes=True):
    id: UUID
    kind: Literal["school", "centre"]
    name: str


class Sites(BaseModel):
    items: list[SiteAnswer]
    next_cursor: UUID | None


class ActivityAnswer(BaseModel, from_attributes=True):
    """`open` and the `reason` where it is not are told of a child only."""

    id: UUID
    code: str
    name: str
    kind: Literal["periscolaire", "restauration", "extrascolaire"]
    site_id: UUID | None
    payment: Literal["immediate", "monthly"]
    charging: Literal["reservation", "attendance", "flat"]
    open: bool | None = None
    reason: str | None = None


class Activities(BaseModel):
    items: list[ActivityAnswer]
    next_cursor: UUID | None


class WeekAnswer(BaseModel):
    """A holiday week for one child; `reason` says why it is not `bookable`."""

    id: UUID
    activity_id: UUID
    centre: str
    name: str
    group: str
    dates: list[date]
    places: int
    places_left: int
    booking_closes_at: AwareDatetime
    cancellation_closes_at: AwareDatetime
    bookable: bool
    reason: str | None

    @classmethod
    def of(cls, offer: Offer) -> Self:
        week = offer.week
        return cls(
            id=week.id,
            activity_id=week.activity_id,
            centre=week.centre,
            name=week.name,
            group=week.group_name,
            dates=week.dates,
            places=week.places,
            places_left=week.places - week.taken,
            booking_closes_at=week.booking_closes_at,
            cancellation_closes_at=week.cancellation_closes_at,
            bookable=offer.reason is None,
            reason=offer.reason,
        )


class Weeks(BaseModel):
    items: list[WeekAnswer]
    next_cursor: UUID | None


class LineAnswer(BaseModel):
    """`reason` says why a cancelled line is `refundable` or not, or that the week of another one has begun.

    `position` names it for good; `amount_cents` is what billing asks for it, once it is known.
    """

    position: int
    status: Literal["active", "cancelled"]
    child_id: UUID
    holiday_week_id: UUID
    centre: str
    name: str
    group: str
    dates: list[date]
    cancellation_closes_at: AwareDatetime
    refundable: bool
    reason: str | None
    amount_cents: int | None

    @classmethod
    def of(cls, line: BookingLine, booking: Booking, now: datetime) -> Self:
        week = line.week
        attended = booking.status in (BookingStatus.CONFIRMED, BookingStatus.PAID) and begun(week, now)
        return cls(
            position=line.position,
            status=line.status,
            child_id=line.child_id,
            holiday_week_id=line.holiday_week_id,
            centre=week.centre,
            name=week.name,
            group=week.group_name,
            dates=week.dates,
            cancellation_closes_at=week.cancellation_closes_at,
            refundable=line.refundable,
            reason=BEGUN if attended and not line.cancelled else line.reason,
            amount_cents=(booking.line_amounts or {}).get(str(line.position)),
        )


class RefusedLine(BaseModel):
    child_id: UUID
    holiday_week_id: UUID
    detail: str


class BookingAnswer(BaseModel):
    """A booking; what billing decides (`invoice_id`, `amount_cents`, `payable_until`) is there once it is known.

    `invoice_number` comes with the payment; `refused` with the answer to `keep_available` only.
    """

    id: UUID
    status: BookingStatus
    dossier_id: UUID
    hold_expires_at: AwareDatetime
    lines: list[LineAnswer]
    quote_id: UUID | None
    confirmed_at: AwareDatetime | None
    reason: str | None
    invoice_id: UUID | None
    invoice_number: str | None
    amount_cents: int | None
    payable_until: AwareDatetime | None
    version: int
    created_at: AwareDatetime
    refused: list[RefusedLine] = []

    @classmethod
    def of(cls, booking: Booking, now: datetime, refused: Sequence[Refused] = ()) -> Self:
        return cls(
            id=booking.id,
            status=booking.status,
            dossier_id=booking.dossier_id,
            hold_expires_at=booking.hold_expires_at,
            lines=[LineAnswer.of(line, booking, now) for line in booking.lines],
            quote_id=booking.quote_id,
            confirmed_at=booking.confirmed_at,
            reason=booking.reason,
            invoice_id=booking.invoice_id,
            invoice_number=booking.invoice_number,
            amount_cents=booking.amount_cents,
            payable_until=booking.payable_until,
            version=booking.version,
            created_at=booking.created_at,
            refused=[
                RefusedLine(child_id=one.wish.child_id, holiday_week_id=one.wish.holiday_week_id, detail=one.detail)
                for one in refused
            ],
        )


class Bookings(BaseModel):
    items: list[BookingAnswer]
    next_cursor: UUID | None
