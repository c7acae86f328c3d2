"""What enrolment answers."""

import datetime

from pydantic import AwareDatetime, Field

from web.answers import Answer


class Site(Answer):
    id: str
    name: str
    kind: str = ""


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
    dossier_id: str
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


class Activity(Answer):
    """Of a child: whether it is `open`; where it is not, why and what to do."""

    id: str
    name: str
    kind: str
    payment: str
    status: str
    open: bool | None = None
    reason_code: str | None = None
    reason: str | None = None


class Window(Answer):
    """From when (none: always) until when (none: always) families enrol for that school year."""

    school_year: str
    opens_at: AwareDatetime | None
    closes_at: AwareDatetime | None


class Entry(Answer):
    """An activity as the catalogue has it; `ages` are the youngest and the oldest (none: any)."""

    id: str
    code: str
    name: str
    kind: str
    site_id: str | None
    payment: str
    charging: str
    regie: str
    status: str
    ages: list[int] | None
    levels: list[str]
    sector: list[str]
    enrolment_windows: list[Window]


class Place(Answer):
    """A site as the catalogue has it: a school or a leisure centre."""

    id: str
    code: str
    kind: str
    name: str


class PlaceChange(Answer):
    """Who (`name`) gave a week more places or fewer, when and why."""

    changed_at: AwareDatetime
    name: str | None
    before: int
    after: int
    reason: str


class WeekEdition(Answer):
    """A holiday week as the catalogue has it."""

    id: str
    activity_id: str
    centre: str
    name: str
    group: str
    ages: list[int]
    dates: list[datetime.date]
    places: int
    taken: int
    booking_opens_at: AwareDatetime | None
    residents_open_at: AwareDatetime | None
    booking_closes_at: AwareDatetime
    cancellation_closes_at: AwareDatetime
    hold_minutes: int
    version: int
    place_changes: list[PlaceChange]


class UsualWeek(Answer):
    days: list[str]
    first: datetime.date = Field(alias="from")
    last: datetime.date = Field(alias="to")
    status: str


class RefusedDay(Answer):
    date: datetime.date
    reason: str


class Applied(Answer):
    """What planning made of what was asked for last."""

    reserved: list[datetime.date]
    refused: list[RefusedDay]
    cancelled: list[datetime.date]
    still_due: list[datetime.date]


class Enrolment(Answer):
    """From the first to the last day, both included; `pending` until planning has answered."""

    id: str
    status: str
    child_id: str
    activity_id: str
    school_year: str
    valid_from: datetime.date
    valid_to: datetime.date
    pending: bool
    usual_week: UsualWeek | None
    applied: Applied | None


class Problem(Answer):
    detail: str


class Result(Answer):
    """One child's: it is enrolled, or why it is not."""

    child_id: str
    enrolment: Enrolment | None
    problem: Problem | None


class Results(Answer):
    results: list[Result]


class HouseRules(Answer):
    school_year: str
    version: str
    title: str
    text: str
    accepted: bool
    accepted_at: AwareDatetime | None
