"""What enrolment's API takes and gives."""

from datetime import date, datetime
from typing import Any, Literal, Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from pydantic import AliasPath, AwareDatetime, BaseModel, Field

from enrolment.catalogue import Offer
from enrolment.eligibility import BEGUN, BookingStatus, begun
from enrolment.models import Booking
from enrolment.places import Wish


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


def _of_the_week(name: str) -> Any:
    return Field(validation_alias=AliasPath("week", name))


class LineAnswer(Answer, json_schema_serialization_defaults_required=True):
    """`reason` says why a cancelled line is `refundable` or not, or that the week of another one has begun.

    `position` names it for good; `amount_cents` is what billing asks for it, once it is known.
    """

    position: int
    status: Literal["active", "cancelled"] = "active"
    child_id: UUID
    holiday_week_id: UUID
    centre: str = _of_the_week("centre")
    name: str = _of_the_week("name")
    group: str = _of_the_week("group_name")
    dates: list[date] = _of_the_week("dates")
    cancellation_closes_at: AwareDatetime = _of_the_week("cancellation_closes_at")
    refundable: bool = False
    reason: str | None = None
    amount_cents: int | None = None


class RefusedLine(Answer):
    child_id: UUID = Field(validation_alias=AliasPath("wish", "child_id"))
    holiday_week_id: UUID = Field(validation_alias=AliasPath("wish", "holiday_week_id"))
    detail: str


class BookingAnswer(Answer, json_schema_serialization_defaults_required=True):
    """A booking; what billing decides (`invoice_id`, `amount_cents`, `payable_until`) is there once it is known.

    `invoice_number` comes with the payment; `refused` with the answer to `keep_available` only.
    """

    id: UUID
    status: BookingStatus
    dossier_id: UUID
    hold_expires_at: AwareDatetime
    lines: list[LineAnswer]
    quote_id: UUID | None = None
    confirmed_at: AwareDatetime | None = None
    reason: str | None = None
    invoice_id: UUID | None = None
    invoice_number: str | None = None
    amount_cents: int | None = None
    payable_until: AwareDatetime | None = None
    version: int
    created_at: AwareDatetime
    refused: list[RefusedLine] = Field(default_factory=list)

    @classmethod
    def of(cls, booking: Booking, now: datetime) -> Self:
        answer = cls.model_validate(booking)
        to_come = booking.status not in (BookingStatus.CONFIRMED, BookingStatus.PAID)
        for line, shown in zip(booking.lines, answer.lines, strict=True):
            shown.amount_cents = (booking.line_amounts or {}).get(str(line.position))
            if not (to_come or line.cancelled) and begun(line.week, now):
                shown.reason = BEGUN
        return answer


class Bookings(BaseModel):
    items: list[BookingAnswer]
    next_cursor: UUID | None
