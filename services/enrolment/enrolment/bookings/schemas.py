"""What bookings take and give over HTTP."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Reason
from chassis.problems import Malformed
from pydantic import AliasPath, AwareDatetime, Field, field_validator

from enrolment.bookings.models import Booking
from enrolment.bookings.places import Refused, Wish
from enrolment.bookings.rules import BEGUN, BookingStatus
from enrolment.catalogue.rules import begun
from enrolment.catalogue.schemas import Moment


class LineWish(RequestBody):
    child_id: UUID
    holiday_week_id: UUID


class _Lines(RequestBody):
    """`keep_available` keeps the lines that have a place when others have none.

    `override_reason` is for agents alone: why they pass over a rule, which is kept. Never over the places there are.
    """

    lines: list[LineWish] = Field(min_length=1, max_length=20)
    keep_available: bool = False
    override_reason: Reason | None = None

    def wishes(self) -> list[Wish]:
        """Raises Malformed where a line is there twice."""
        wishes = [Wish(position, line.child_id, line.holiday_week_id) for position, line in enumerate(self.lines)]
        twice = [wish for wish, line in zip(wishes, self.lines, strict=True) if line in self.lines[: wish.position]]
        if twice:
            detail = "Cette ligne est demandée deux fois : retirez-la."
            raise Malformed(errors=[{"pointer": f"/lines/{wish.position}", "detail": detail} for wish in twice])
        return wishes


class BookingRequest(_Lines):
    """`dossier_id` and `pay_by`, until when the family may pay, are for agents alone."""

    pay_by: Moment | None = None
    dossier_id: UUID | None = None


class LinesChange(_Lines):
    """All lines that the booking is to have; a line that it has already keeps its place."""

    @field_validator("lines", mode="before")
    @classmethod
    def _some_line_stays(cls, lines: Any) -> Any:
        if lines == []:
            raise ValueError("Gardez au moins une ligne ; pour n'en garder aucune, annulez la réservation.")
        return lines


class Confirmation(RequestBody):
    quote_id: UUID


def _of_the_week(name: str) -> Any:
    return Field(validation_alias=AliasPath("week", name))


class WeekAnswer(Answer):
    """A holiday week for one child; `reason` says why it is not `bookable`.

    `booking_opens_at` is for everybody, `residents_open_at` for residents where they come first (none: always open).
    """

    id: UUID = _of_the_week("id")
    activity_id: UUID = _of_the_week("activity_id")
    centre: str = _of_the_week("centre")
    name: str = _of_the_week("name")
    group: str = _of_the_week("group_name")
    dates: list[date] = _of_the_week("dates")
    places: int = _of_the_week("places")
    places_left: int = _of_the_week("places_left")
    booking_opens_at: AwareDatetime | None = _of_the_week("booking_opens_at")
    residents_open_at: AwareDatetime | None = _of_the_week("residents_open_at")
    booking_closes_at: AwareDatetime = _of_the_week("booking_closes_at")
    cancellation_closes_at: AwareDatetime = _of_the_week("cancellation_closes_at")
    bookable: bool
    reason: str | None


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

    `pay_by` is until when the desk lets the family pay, `override_reason` why it passed over a rule, if it did.
    `hold_expires_at` stays what it was when lines are changed; `invoice_number` comes with the payment; `refused` with
    the answer to `keep_available` only.
    """

    id: UUID
    status: BookingStatus
    dossier_id: UUID
    hold_expires_at: AwareDatetime
    lines: list[LineAnswer]
    pay_by: AwareDatetime | None = None
    override_reason: str | None = None
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
    def of(cls, booking: Booking, now: datetime, refused: Sequence[Refused] = ()) -> Self:
        answer = cls.model_validate(booking)
        answer.refused = [RefusedLine.model_validate(one) for one in refused]
        to_come = booking.status not in (BookingStatus.CONFIRMED, BookingStatus.PAID)
        for line, shown in zip(booking.lines, answer.lines, strict=True):
            shown.amount_cents = (booking.line_amounts or {}).get(str(line.position))
            if not (to_come or line.cancelled) and begun(line.week, now):
                shown.reason = BEGUN
        return answer
