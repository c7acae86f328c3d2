"""« Inscriptions en paiement immédiat »: weeks × children × centres in one form, the summary, « Payer », leaving.

What is ticked is « child:week », as the API names a line; prices come from billing alone.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import date, time
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from chassis import clock
from french.paris import at
from starlette.responses import Response

from web.answers.billing import Quote
from web.answers.dossier import Child
from web.answers.enrolment import Booking, Waiting, Week
from web.pages.enrolments import children, show_enrolments
from web.pages.payments import to_payfip
from web.refusals import NotFound, Refused
from web.visits import Visit, route

WEEKS, BOOKING = "/inscriptions/vacances", "/reservations"
#: Usually a few hundredths of a second; longer, and the page says that it is being prepared.
INVOICE_WITHIN_S = 4.0
EVERY_S = 0.05
#: The soonest weeks that may be booked are unfolded; the others take a tap.
OPENED = 4
DAY_ENDS = time(23, 59)
NOTHING_TICKED = "Cochez au moins une semaine."
FULL = "urn:problem:enrolment:week-full"


@dataclass(frozen=True)
class Offer:
    """A week for a child; `value` is what its box sends."""

    child: Child
    week: Week

    @property
    def value(self) -> str:
        return f"{self.child.id}:{self.week.id}"

    @property
    def full(self) -> bool:
        return not self.week.places_left


@dataclass(frozen=True)
class Together:
    """One centre's week for several children at once; `value` is what each of their boxes sends."""

    offers: list[Offer]

    @property
    def names(self) -> str:
        *others, last = [one.child.first_name for one in self.offers]
        return f"{', '.join(others)} et {last}"

    @property
    def centre(self) -> str:
        return self.offers[0].week.centre

    @property
    def value(self) -> str:
        return " ".join(one.value for one in self.offers)


@dataclass(frozen=True)
class Dated:
    """What is offered on the same days."""

    name: str
    offers: list[Offer]

    @property
    def together(self) -> list[Together]:
        """Where several children may go to the same centre: one tap for all of them."""
        centres: dict[str, list[Offer]] = {}
        for one in self.offers:
            if one.week.bookable:
                centres.setdefault(one.week.centre, []).append(one)
        return [Together(found) for found in centres.values() if len({one.child.id for one in found}) > 1]


def by_week(offers: list[Offer]) -> list[Dated]:
    """In the order of the calendar; within the same days child by child."""
    ordered = sorted(offers, key=lambda one: (one.week.dates, one.child.first_name, one.week.centre))
    return [
        Dated(", ".join(dict.fromkeys(one.week.name for one in found)), found)
        for _, same in groupby(ordered, lambda one: one.week.dates)
        if (found := list(same))
    ]


async def _offers(visit: Visit, family: list[Child]) -> list[Offer]:
    """Side by side: a family's children are few."""
    await visit.api.fresh()
    found = await asyncio.gather(
        *(visit.api.all(Week, "/enrolment/v1/holiday-weeks", child_id=child.id, **visit.family) for child in family)
    )
    return [Offer(child, week) for child, weeks in zip(family, found, strict=True) for week in weeks]


# ---------------------------------------------------------------------- which weeks


async def show_weeks(visit: Visit, *, full: bool = False) -> Response:
    """Everything that may be booked; what a held booking has already is ticked where it is to be changed."""
    family = await children(visit)
    changed = visit.query("reservation") or visit.form.get("reservation")
    held = await _booking(visit, changed) if changed else None
    if held and not visit.form.values and (held.status != "held" or held.hold_expires_at <= clock.now()):
        return visit.go(f"{BOOKING}/{held.id}")
    ticked = set(_ticked(visit))
    if held and not visit.form.values:
        ticked = {f"{line.child_id}:{line.holiday_week_id}" for line in held.active}
    kept = {f"{line.child_id}:{line.holiday_week_id}" for line in held.active} if held else set()
    waiting = {
        f"{one.child_id}:{one.holiday_week_id}": one
        for one in await visit.api.all(Waiting, "/enrolment/v1/waiting-list", **visit.family)
        if one.status in ("waiting", "offered")
    }
    weeks = by_week(await _offers(visit, family))
    opened = [one for one in weeks if any(offer.week.bookable for offer in one.offers)][:OPENED]
    return visit.page(
        "bookings/weeks.html",
        weeks=weeks,
        opened=opened,
        ticked=ticked,
        held=held,
        kept=kept,
        waiting=waiting,
        full=full,
    )


def _ticked(visit: Visit) -> list[str]:
    """What the boxes say, each once: of the form, else of the address, where the waiting list leads back to them."""
    said = visit.form.all("ligne") or visit.request.query_params.getlist("ligne")
    return list(dict.fromkeys(value for box in said for value in box.split()))


async def take_weeks(visit: Visit) -> Response:
    form = visit.form
    lines = [_line(value) for value in _ticked(visit)]
    if not lines:
        form.refuse("", NOTHING_TICKED)
        return await show_weeks(visit)
    asked: dict[str, Any] = {"lines": lines, "keep_available": form.get("garder") == "1", **visit.bypass}
    changed = form.get("reservation")
    try:
        if changed:
            path = f"/enrolment/v1/bookings/{visit.safe(changed)}/lines"
            seen = re.sub(r"[^0-9]", "", form.get("version"))
            booking = Booking.model_validate_json(await visit.api.call("PUT", path, asked, seen=seen))
        else:
            asked |= visit.family | _pay_by(visit)
            booking = await visit.api.post(Booking, "/enrolment/v1/bookings", asked, key=visit.once)
    except Refused as refused:
        if refused.status not in (409, 412, 422):
            raise
        if refused.status == 412:
            form.values.pop("version", None)  # what is shown now is seen now
        _refuse(visit, refused, lines)
        return await show_weeks(visit, full=refused.type == FULL and len(lines) > 1)
    left_out = urlencode([("sans", f"{one.child_id}:{one.holiday_week_id}") for one in booking.refused])
    return visit.go(f"{BOOKING}/{booking.id}" + (f"?{left_out}" if left_out else ""))


def _pay_by(visit: Visit) -> dict[str, str]:
    """Until the end of which day the family may pay, where the desk says so. Raises Refused."""
    said = visit.form.get("pay_by") if visit.acting else ""
    if not said:
        return {}
    try:
        return {"pay_by": at(date.fromisoformat(said), DAY_ENDS).isoformat()}
    except ValueError:
        raise Refused(422, errors=[("/pay_by", "Indiquez une date, par exemple 15/01/2027.")]) from None


def _line(value: str) -> dict[str, str]:
    child, _, week = value.partition(":")
    return {"child_id": child, "holiday_week_id": week}


def _refuse(visit: Visit, refused: Refused, lines: list[dict[str, str]]) -> None:
    """What the API says of a line, beside its box."""
    names = [f"{line['child_id']}:{line['holiday_week_id']}" for line in lines]
    instead = {
        pointer.strip("/"): names[int(parts[1])]
        for pointer, _ in refused.errors
        if len(parts := pointer.strip("/").split("/")) > 1 and parts[0] == "lines" and parts[1].isdigit()
        if int(parts[1]) < len(names)
    }
    visit.form.refused(refused, [*names, "pay_by"], instead)
    # The key of what was refused may be sent again: nothing was kept under it.


# ---------------------------------------------------------------------- one booking


async def _booking(visit: Visit, booking_id: str) -> Booking:
    booking = await visit.api.get(Booking, f"/enrolment/v1/bookings/{visit.safe(booking_id)}")
    if visit.acting not in ("", booking.dossier_id):
        raise NotFound
    return booking


async def show_booking(visit: Visit) -> Response:
    """The summary of what is held, with each price explained; later what became of it."""
    booking = await _booking(visit, visit.path("booking_id"))
    family = await children(visit)
    running_out = booking.status == "held" and booking.hold_expires_at <= clock.now()
    quote = await _quote(visit, booking) if booking.status == "held" and not running_out else None
    prices = {(line.child_id, line.holiday_week_id): line for line in quote.lines} if quote else {}
    without = set(visit.request.query_params.getlist("sans"))
    concerned = [child for child in family if any(one.startswith(f"{child.id}:") for one in without)]
    left_out = [one for one in await _offers(visit, concerned) if one.value in without]
    return visit.page(
        "bookings/booking.html",
        booking=booking,
        names={child.id: child.first_name for child in family},
        quote=quote,
        prices=prices,
        gone=running_out,
        left_out=left_out,
        now=clock.now(),
    )


async def _quote(visit: Visit, booking: Booking) -> Quote:
    lines = [{"child_id": one.child_id, "holiday_week_id": one.holiday_week_id} for one in booking.active]
    return await visit.api.post(Quote, "/billing/v1/quotes", {"lines": lines, **visit.family})


async def pay(visit: Visit) -> Response:
    """« Payer »: confirmed at the price that was shown, then to PayFiP as soon as billing has the invoice."""
    booking_id = visit.path("booking_id")
    try:
        await visit.api.call(
            "POST",
            f"/enrolment/v1/bookings/{booking_id}/confirm",
            {"quote_id": visit.form.get("devis")},
            key=visit.once,
        )
    except Refused as refused:
        if refused.status not in (409, 410, 422):
            raise
        visit.form.refused(refused, ())
        return await show_booking(visit)
    booking = await _billed(visit, booking_id)
    if booking.invoice_id and booking.status == "confirmed" and not visit.acting:
        return await to_payfip(visit, [booking.invoice_id])
    return visit.go(f"{BOOKING}/{booking_id}")


async def _billed(visit: Visit, booking_id: str) -> Booking:
    """The booking once billing has answered, or as it is if that takes long."""
    tries = int(INVOICE_WITHIN_S / EVERY_S)
    for _ in range(tries):
        booking = await _booking(visit, booking_id)
        if booking.invoice_id or booking.status != "confirmed":
            break
        await asyncio.sleep(EVERY_S)
    return booking


async def leave(visit: Visit) -> Response:
    """One line, or all that may still be left."""
    booking_id, position = visit.path("booking_id"), visit.form.get("ligne")
    line = f"/lines/{int(position)}" if position.isdigit() and len(position) < 4 else ""
    try:
        await visit.api.call("DELETE", f"/enrolment/v1/bookings/{booking_id}{line}")
    except Refused as refused:
        if refused.status not in (409, 410):
            raise
        visit.form.refused(refused, ())
        return await show_booking(visit)
    return visit.go(f"{BOOKING}/{booking_id}")


# ---------------------------------------------------------------------- the waiting list


async def wait(visit: Visit) -> Response:
    """« S'inscrire sur la liste d'attente » of a full week; pressed in the form of the weeks, whose ticks it keeps."""
    try:
        asked = _line(visit.form.get("attendre")) | visit.family
        await visit.api.call("POST", "/enrolment/v1/waiting-list", asked, key=visit.once_for("attente"))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        visit.form.refused(refused, ())
        return await show_weeks(visit)
    if changed := visit.form.get("reservation"):
        return visit.go(f"{WEEKS}?{urlencode({'reservation': changed})}")
    if ticked := _ticked(visit):
        return visit.go(f"{WEEKS}?{urlencode([('ligne', value) for value in ticked])}")
    return visit.go("/inscriptions?attente")


async def take_offer(visit: Visit) -> Response:
    try:
        booking = await visit.api.post(
            Booking, f"/enrolment/v1/waiting-list/{visit.path('entry_id')}/accept", None, key=visit.once
        )
    except Refused as refused:
        if refused.status not in (409, 410):
            raise
        visit.form.refused(refused, ())
        return await show_enrolments(visit)
    return visit.go(f"{BOOKING}/{booking.id}")


async def leave_list(visit: Visit) -> Response:
    try:
        await visit.api.call("DELETE", f"/enrolment/v1/waiting-list/{visit.path('entry_id')}")
    except Refused as refused:
        if refused.status not in (409, 410):
            raise
        visit.form.refused(refused, ())
        return await show_enrolments(visit)
    return visit.go("/inscriptions")


ROUTES = [
    route(WEEKS, show_weeks, take_weeks),
    route(f"{WEEKS}/attente", send=wait),
    route(f"{BOOKING}/{{booking_id}}", show_booking),
    route(f"{BOOKING}/{{booking_id}}/paiement", send=pay),
    route(f"{BOOKING}/{{booking_id}}/annulation", send=leave),
    route("/inscriptions/attente/{entry_id}/reserver", send=take_offer),
    route("/inscriptions/attente/{entry_id}/renoncer", send=leave_list),
]
