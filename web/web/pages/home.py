"""The home page: what needs doing, by date, and the coming week of each child.

One of the services that is down takes its part of the page with it, and says so; the rest is shown.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from chassis import clock
from french.paris import day_in_paris
from french.wording import euros, month
from starlette.responses import Response

from web.answers import Page
from web.answers.billing import Invoice
from web.answers.dossier import Dossier
from web.answers.enrolment import Booking, Waiting
from web.answers.identity import Inbox
from web.answers.planning import Planning
from web.refusals import Refused
from web.roles import ANYBODY
from web.visits import Visit, route

T = TypeVar("T")
COMING_DAYS = 7
#: Newest first: what needs doing is among them.
RECENT = 50


@dataclass(frozen=True)
class Task:
    """Something to do, `until` when (none: at any time), and where; `counts` down on the page."""

    title: str
    until: datetime | None
    path: str
    button: str
    counts: bool = False


@dataclass(frozen=True)
class ComingDay:
    day: date
    activities: list[str]


async def show_home(visit: Visit) -> Response:
    if visit.session.at_desk:
        return visit.go("/agent")
    now = clock.now()
    today = day_in_paris(now)
    days = [today + timedelta(days=n) for n in range(COMING_DAYS)]
    # A draft of next month is a task too, before its first day comes near.
    months = sorted({f"{day:%Y-%m}" for day in (today, (today.replace(day=1) + timedelta(days=32)))})
    await visit.api.fresh()
    dossier, bookings, waiting, invoices, inbox, plannings = await asyncio.gather(
        visit.api.get(Dossier, "/dossier/v1/dossiers/mine"),
        _there(visit.api.get(Page[Booking], "/enrolment/v1/bookings", limit=RECENT)),
        _there(visit.api.get(Page[Waiting], "/enrolment/v1/waiting-list", limit=RECENT)),
        _there(visit.api.get(Page[Invoice], "/billing/v1/invoices", limit=RECENT)),
        _there(visit.api.get(Inbox, "/identity/v1/messages", limit=1)),
        asyncio.gather(*(_there(visit.api.get(Planning, "/planning/v1/plannings", month=one)) for one in months)),
    )
    known = [one for one in plannings if one]
    names = {child.id: child.first_name for child in dossier.children}
    tasks = [
        *(_of_bookings(bookings.items, names, now) if bookings else ()),
        *(_of_offers(waiting.items, names) if waiting else ()),
        *(_of_invoices(invoices.items) if invoices else ()),
        *(_of_drafts(known)),
    ]
    tasks.sort(key=lambda task: (task.until is None, task.until or now))
    return visit.page(
        "home/home.html",
        tasks=tasks,
        whole=all([bookings, waiting, invoices, *plannings]),
        weeks=[(name, list(_coming(known, child_id, days))) for child_id, name in names.items()] if known else None,
        unread=inbox.unread if inbox else 0,
        missing=dossier.missing,
    )


async def _there(asked: Awaitable[T]) -> T | None:
    """None where that service does not answer now."""
    try:
        return await asked
    except Refused as refused:
        if refused.status < 500:
            raise
        return None


def _of_bookings(bookings: list[Booking], names: dict[str, str], now: datetime) -> Iterator[Task]:
    for one in bookings:
        if one.status == "held" and one.hold_expires_at > now:
            whose = ", ".join(dict.fromkeys(names.get(line.child_id, "") for line in one.lines))
            yield Task(
                f"Places à confirmer pour {whose}",
                one.hold_expires_at,
                f"/reservations/{one.id}",
                "Confirmer",
                True,
            )


def _of_offers(waiting: list[Waiting], names: dict[str, str]) -> Iterator[Task]:
    for one in waiting:
        if one.status == "offered":
            title = f"Une place est proposée à {names.get(one.child_id, 'votre enfant')}, {one.centre}, {one.name}"
            yield Task(title, one.offer_expires_at, "/inscriptions", "Répondre")


def _of_invoices(invoices: list[Invoice]) -> Iterator[Task]:
    for one in invoices:
        if one.status in ("to_pay", "reopened") and one.due_cents > 0:
            named = f"Facture {one.number}" if one.number else "Facture"
            yield Task(f"{named} de {euros(one.due_cents)} à payer", one.payable_until, f"/factures/{one.id}", "Payer")


def _of_drafts(plannings: list[Planning]) -> Iterator[Task]:
    for one in plannings:
        if one.draft and one.draft.changes:
            named = month(date.fromisoformat(f"{one.month}-01"))
            until = [change.change_until for change in one.draft.changes if change.change_until and not change.reason]
            yield Task(
                f"Brouillon de {named} à valider",
                min(until, default=None),
                f"/planning/{one.month}",
                "Ouvrir le brouillon",
            )


def _coming(plannings: list[Planning], child_id: str, days: list[date]) -> Iterator[ComingDay]:
    """The days on which something is reserved for that child."""
    rows = [row for one in plannings for row in one.rows if row.child_id == child_id]
    for day in days:
        reserved = [
            row.activity_name or "Activité"
            for row in rows
            if any(cell.date == day and cell.status == "reserved" for cell in row.cells)
        ]
        if reserved:
            yield ComingDay(day, sorted(reserved))


ROUTES = [route("/", show_home, roles=ANYBODY)]
