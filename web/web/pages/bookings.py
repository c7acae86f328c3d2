"""« Inscriptions en paiement immédiat »: weeks × children × centres in one form, the summary, « Payer », leaving.

What is ticked is « child:week », as the API names a line; prices come from billing alone.
"""

import asyncio
import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from chassis import clock
from starlette.responses import Response

from web.answers.billing import Quote
from web.answers.dossier import Child
from web.answers.enrolment import Booking, Waiting, Week
from web.pages.enrolments import children, show_enrolments
from web.pages.payments import to_payfip
from web.refusals import Refused
from web.visits import Visit, route

WEEKS, BOOKING = "/inscriptions/vacances", "/reservations"
#: Usually a few hundredths of a second; longer, and the page says that it is being prepared.
INVOICE_WITHIN_S = 4.0
EVERY_S = 0.05
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
class Dated:
    """What is offered on the same days."""

    name: str
    offers: list[Offer]

    @property
    def period(self) -> str:
        """« Vacances de Noël » of « Vacances de Noël, semaine du 21 décembre »."""
        return self.name.partition(",")[0]


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
        *(visit.api.all(Week, "/enrolment/v1/holiday-weeks", child_id=child.id) for child in family)
    )
    return [Offer(child, week) for child, weeks in zip(family, found, strict=True) for week in weeks]


# ---------------------------------------------------------------------- which weeks


async def show_weeks(visit: Visit, *, full: bool = False) -> Response:
    """Everything that may be booked; what a held booking has already is ticked where it is to be changed."""
    family = await children(visit)
    changed = visit.query("reservation") or visit.form.get("reservation")
    held = await _booking(visit, changed) if changed else None
    ticked = set(visit.form.all("ligne"))
    if held and not visit.form.values:
        ticked = {f"{line.child_id}:{line.holiday_week_id}" for line in held.active}
    kept = {f"{line.child_id}:{line.holiday_week_id}" for line in held.active} if held else set()
    waiting = {
        f"{one.child_id}:{one.holiday_week_id}": one
        for one in await visit.api.all(Waiting, "/enrolment/v1/waiting-list")
        if one.status in ("waiting", "offered")
    }
    weeks = by_week(await _offers(visit, family))
    return visit.page(
        "bookings/weeks.html", weeks=weeks, ticked=ticked, held=held, kept=kept, waiting=waiting, full=full
    )


async def take_weeks(visit: Visit) -> Response:
    form = visit.form
    lines = [_line(value) for value in dict.fromkeys(form.all("ligne"))]
    if not lines:
        form.refuse("", NOTHING_TICKED)
        return await show_weeks(visit)
    asked: dict[str, Any] = {"lines": lines, "keep_available": form.get("garder") == "1"}
    changed = form.get("reservation")
    try:
        if changed:
            path = f"/enrolment/v1/bookings/{visit.safe(changed)}/lines"
            seen = re.sub(r"[^0-9]", "", form.get("version"))
            booking = Booking.model_validate_json(await visit.api.call("PUT", path, asked, seen=seen))
        else:
            booking = await visit.api.post(Booking, "/enrolment/v1/bookings", asked, key=visit.once)
    except Refused as refused:
        if refused.status not in (409, 412, 422):
            raise
        _refuse(visit, refused, lines)
        return await show_weeks(visit, full=refused.type == FULL and len(lines) > 1)
    left_out = "&".join(f"sans={one.child_id}:{one.holiday_week_id}" for one in booking.refused)
    return visit.go(f"{BOOKING}/{booking.id}" + (f"?{left_out}" if left_out else ""))


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
    visit.form.refused(refused, names, instead)
    # The key of what was refused may be sent again: nothing was kept under it.


# ---------------------------------------------------------------------- one booking


async def _booking(visit: Visit, booking_id: str) -> Booking:
    return await visit.api.get(Booking, f"/enrolment/v1/bookings/{visit.safe(booking_id)}")


async def show_booking(visit: Visit) -> Response:
    """The summary of what is held, with each price explained; later what became of it."""
    booking = await _booking(visit, visit.path("booking_id"))
    names = {child.id: child.first_name for child in await children(visit)}
    running_out = booking.status == "held" and booking.hold_expires_at <= clock.now()
    quote = await _quote(visit, booking) if booking.status == "held" and not running_out else None
    prices = {(line.child_id, line.holiday_week_id): line for line in quote.lines} if quote else {}
    left_out = [_line(value) for value in visit.request.query_params.getlist("sans")[:20]]
    return visit.page(
        "bookings/booking.html",
        booking=booking,
        names=names,
        quote=quote,
        prices=prices,
        gone=running_out,
        left_out=[names[one["child_id"]] for one in left_out if one["child_id"] in names],
        now=clock.now(),
    )


async def _quote(visit: Visit, booking: Booking) -> Quote:
    lines = [{"child_id": one.child_id, "holiday_week_id": one.holiday_week_id} for one in booking.active]
    return await visit.api.post(Quote, "/billing/v1/quotes", {"lines": lines})


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
    if booking.invoice_id and booking.status == "confirmed":
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
        await visit.api.call("POST", "/enrolment/v1/waiting-list", _line(visit.form.get("attendre")), key=visit.once)
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        visit.form.refuse("", refused.errors[0][1] if refused.errors else refused.detail)
        return await show_weeks(visit)
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
