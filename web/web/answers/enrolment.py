"""What enrolment answers."""

import datetime

from pydantic import AwareDatetime

from web.answers import Answer


class Site(Answer):
    id: str
    name: str


class Week(Answer):
    """A holiday week for one child; `reason` says why it is not `bookable`."""

    id: str
    centre: str
    name: str
    group: str
    dates: list[datetime.date]
    places_left: int
    bookable: bool
    reason: str | None


class BookingLine(Answer):
    """`reason` says why it was cancelled, or why it no longer may be."""

    position: int
    status: str
    child_id: str
    holiday_week_id: str
    centre: str
    name: str
    group: str
    dates: list[datetime.date]
    cancellation_closes_at: AwareDatetime
    reason: str | None
    amount_cents: int | None


class RefusedLine(Answer):
    child_id: str
    holiday_week_id: str
    detail: str


class Booking(Answer):
    """`refused` is what `keep_available` left out, with that answer only."""

    id: str
    status: str
    hold_expires_at: AwareDatetime
    lines: list[BookingLine]
    reason: str | None
    invoice_id: str | None
    invoice_number: str | None
    amount_cents: int | None
    payable_until: AwareDatetime | None
    version: int
    refused: list[RefusedLine]

    @property
    def active(self) -> list[BookingLine]:
        return [line for line in self.lines if line.status == "active"]


class Waiting(Answer):
    """`offer_expires_at`: until when what is offered may be taken."""

    id: str
    status: str
    child_id: str
    holiday_week_id: str
    centre: str
    name: str
    rank: int | None
    offer_expires_at: AwareDatetime | None
