"""The sites' tablets: on one of them, and nowhere else, site staff sign in by their PIN."""

import asyncio

from starlette.responses import Response

from web.answers.enrolment import Place
from web.answers.identity import Tablet, TabletEnrolled
from web.refusals import Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH, API = "/agent/tablettes", "/identity/v1/devices"


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, told: TabletEnrolled | None = None) -> Response:
    await visit.api.fresh()
    tablets, sites = await asyncio.gather(visit.api.all(Tablet, API), visit.api.all(Place, "/enrolment/v1/sites"))
    names = {site.id: site.name for site in sites}
    return visit.page("agent/tablets.html", tablets=tablets, sites=sites, names=names, told=told)


async def enrol(visit: Visit) -> Response:
    """Its token is shown at once, not by another address: it is told this once."""
    asked = visit.form.picked("site_id", "name")
    if visit.form.require(site_id="Choisissez son site.", name="Donnez-lui un nom."):
        try:
            return await _page(visit, await visit.api.post(TabletEnrolled, API, asked))
        except Refused as refused:
            if refused.status != 422:
                raise
            visit.form.refused(refused, asked)
    return await _page(visit)


async def remove(visit: Visit) -> Response:
    """Gone already: that is what was wanted."""
    try:
        await visit.api.call("DELETE", f"{API}/{visit.path('device_id')}")
    except Refused as refused:
        if refused.status != 404:
            raise
    return visit.go(f"{PATH}?retiree")


ROUTES = [
    route(PATH, show, enrol, roles=ADMINISTRATORS),
    route(f"{PATH}/{{device_id}}/retrait", send=remove, roles=ADMINISTRATORS),
]
