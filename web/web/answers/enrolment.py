"""What enrolment answers."""

import datetime

from pydantic import AwareDatetime

from web.answers import Answer


class Site(Answer):
    id: str
    name: str


class BookingLine(Answer):
    position: int
    status: str
    child_id: str
    centre: str
    name: str
    dates: list[datetime.date]


class Booking(Answer):
    id: str
    status: str
    hold_expires_at: AwareDatetime
    lines: list[BookingLine]


class Waiting(Answer):
    """`offer_expires_at`: until when what is offered may be taken."""

    id: str
    status: str
    child_id: str
    centre: str
    name: str
    offer_expires_at: AwareDatetime | None
