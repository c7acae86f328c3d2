"""A family at the desk: found, its one page, and the pages by which an agent acts for it."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import TypeVar

from chassis import clock
from french.paris import day_in_paris
from starlette.responses import Response
from starlette.routing import Route

from web import changes, plannings
from web.answers import Page
from web.answers.billing import Balance, Invoice
from web.answers.dossier import Dossier, FoundDossier, PlannedChange
from web.answers.enrolment import Activity, Booking, Enrolment, Site, Waiting
from web.answers.planning import Entry, MonthPlanning
from web.custody import FOR_THE_DESK
from web.listings import Column, Filter, Listing
from web.pages import (
    bookings,
    change_requests,
    documents,
    dossier,
    dossier_edits,
    enrolments,
    health,
    invoices,
    planning,
    quotient,
)
from web.pages.agent import planned as later
from web.pages.agent.checked import FAMILY
from web.plannings import Prices
from web.refusals import Refused
from web.roles import AGENTS
from web.visits import Visit, acting, route

T = TypeVar("T")
API = "/dossier/v1/dossiers"
#: On the family's page; the rest is one link further.
RECENT = 10
#: What a form has just done, said above the page.
DONE = {
    "cree": "Le dossier est créé.",
    "modifie": "Les modifications sont enregistrées.",
    "adulte-ajoute": "L'adulte est ajouté au dossier. La famille en est informée.",
    "adulte-retire": "L'adulte ne fait plus partie du dossier. La famille en est informée.",
    "enregistre": "Le changement est enregistré. La famille en est informée.",
    "reuni": "Les deux dossiers n'en font plus qu'un : celui-ci.",
    "enfant-ajoute": "L'enfant est ajouté au dossier. La famille en est informée.",
}


def _names(found: FoundDossier) -> str:
    return ", ".join(f"{one.first_name} {one.last_name}" for one in found.adults)


def _children(found: FoundDossier) -> str:
    return ", ".join(one.first_name for one in found.children)


def _address(found: FoundDossier) -> str:
    return f"{found.address.street}, {found.address.postcode} {found.address.city}" if found.address else ""


SEARCH = Listing(
    "/agent/dossiers",
    "Familles",
    FoundDossier,
    API,
    [
        Column("Dossier", lambda one: one.number, lambda one: f"/agent/dossiers/{one.id}"),
        Column("Adultes", _names),
        Column("Enfants", _children),
        Column("Adresse", _address),
    ],
    [Filter("q", "Un numéro de dossier, un nom, le prénom d'un enfant ou une adresse", kind="search")],
    button="Chercher",
    nothing="Aucune famille ne correspond : essayez avec moins de mots, ou le numéro de dossier.",
    template="agent/families.html",
)


async def _there(asked: Awaitable[T]) -> T | None:
    """None where that service does not answer now, or knows nothing of the family yet."""
    try:
        return await asked
    except Refused as refused:
        if refused.status < 500 and refused.status != 404:
            raise
        return None


async def show_family(visit: Visit) -> Response:
    """All that concerns a family; a service that is down takes its part of the page with it, and says so.

    Of an archived dossier nothing is left to show: it is all in the one that was kept.
    """
    visit.acting = visit.path("dossier_id")
    family, base = await visit.dossier(), visit.base
    if family.merged_into:
        visit.acting = ""
        into = await visit.api.get(Dossier, f"{API}/{family.merged_into}")
        return visit.page("agent/archived.html", family=family, into=into)
    api, whose, first = visit.api, visit.family, day_in_paris(clock.now()).replace(day=1)
    month = f"{first:%Y-%m}"
    catalogue, holidays, money, planned, household = await asyncio.gather(
        asyncio.gather(
            _there(api.all(Site, "/enrolment/v1/sites")),
            _there(api.all(Activity, "/enrolment/v1/activities")),
            _there(api.all(Enrolment, "/enrolment/v1/enrolments", **whose)),
        ),
        asyncio.gather(
            _there(api.get(Page[Booking], "/enrolment/v1/bookings", limit=RECENT, **whose)),
            _there(api.all(Waiting, "/enrolment/v1/waiting-list", **whose)),
        ),
        asyncio.gather(
            _there(api.get(Page[Invoice], "/billing/v1/invoices", limit=RECENT, **whose)),
            _there(api.get(Balance, "/billing/v1/balance", **whose)),
        ),
        asyncio.gather(
            _there(api.get(MonthPlanning, planning.PLANNINGS, month=month, **whose)),
            _there(api.get(Page[Entry], f"{planning.PLANNINGS}/history", month=month, limit=RECENT, **whose)),
        ),
        asyncio.gather(
            dossier.shared(visit, family.children, FOR_THE_DESK),
            _there(api.get(Page[PlannedChange], later.api(family.id), limit=RECENT)),
        ),
    )
    schools, activities, enrolled = catalogue
    booked, waiting = holidays
    invoiced, balance = money
    days, history = planned
    shared, changes_to_come = household
    visit.acting = ""  # this page is the desk's own
    return visit.page(
        "agent/family.html",
        base=base,
        family=family,
        done=next((sentence for name, sentence in DONE.items() if name in visit.request.query_params), None),
        names={child.id: child.first_name for child in family.children},
        schools={one.id: one.name for one in schools or ()},
        activities={one.id: one.name for one in activities or ()},
        enrolments=enrolled,
        bookings=booked and booked.items,
        shared=shared,
        to_come=changes_to_come.items if changes_to_come else [],
        waiting=[one for one in waiting if one.status in ("waiting", "offered")] if waiting is not None else None,
        invoices=invoiced and invoiced.items,
        balance=balance,
        month=month,
        first=first,
        rows=plannings.read_only(days.rows, {}, Prices(())) if days else None,
        history=history and history.items,
        who=partial(plannings.who, at_desk=True),
        weekdays=enrolments.WEEKDAYS,
        roles=changes.ROLES,
        levels=changes.LEVELS,
        menus=changes.MENUS,
        sources=changes.SOURCES,
    )


#: What is a guardian's alone: their draft.
_THEIR_OWN = ("/planning/{month}/brouillon",)

ROUTES: list[Route] = [
    *SEARCH.routes,
    route(FAMILY, show_family, roles=AGENTS),
    *(
        acting(page)
        for rubric in (
            dossier,
            dossier_edits,
            change_requests,
            documents,
            quotient,
            health,
            enrolments,
            bookings,
            planning,
            invoices,
        )
        for page in rubric.ROUTES
        if page.path not in _THEIR_OWN
    ),
]
