"""The sites' tablets: on one of them, and nowhere else, site staff sign in by their PIN."""

from french.wording import moment
from starlette.responses import Response

from web.answers.enrolment import Place
from web.answers.identity import Tablet, TabletEnrolled
from web.listings import Column, Listing
from web.pages.agent.catalogue import SITES_API
from web.refusals import Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH, API = "/agent/tablettes", "/identity/v1/devices"


async def _with_sites(visit: Visit, tablets: list[Tablet]) -> list[Tablet]:
    names = {site.id: site.name for site in await visit.api.all(Place, SITES_API)}
    return [
        one.model_copy(update={"site_name": names[one.site_id]}) if one.site_id in names else one for one in tablets
    ]


LIST = Listing(
    PATH,
    "Tablettes des sites",
    Tablet,
    API,
    [
        Column("Tablette", lambda one: one.name),
        Column("Site", lambda one: one.site_name),
        Column("Depuis", lambda one: moment(one.created_at)),
    ],
    roles=ADMINISTRATORS,
    nothing="Aucune tablette pour le moment.",
    template="agent/tablets.html",
    complete=_with_sites,
)


async def show(visit: Visit, told: TabletEnrolled | None = None) -> Response:
    return await LIST.show(visit, sites=await visit.api.all(Place, SITES_API), told=told)


async def enrol(visit: Visit) -> Response:
    """Its token is shown at once, not by another address: it is told this once."""
    asked = visit.form.picked("site_id", "name")
    if visit.form.require(site_id="Choisissez son site.", name="Donnez-lui un nom."):
        try:
            return await show(visit, await visit.api.post(TabletEnrolled, API, asked))
        except Refused as refused:
            if refused.status != 422:
                raise
            visit.form.refused(refused, asked)
    return await show(visit)


async def remove(visit: Visit) -> Response:
    """Gone already: that is what was wanted."""
    try:
        await visit.api.call("DELETE", f"{API}/{visit.path('device_id')}")
    except Refused as refused:
        if refused.status != 404:
            raise
    return visit.go(f"{PATH}?retiree")


ROUTES = [
    route(f"{PATH}.csv", LIST.export, roles=ADMINISTRATORS),
    route(PATH, show, enrol, roles=ADMINISTRATORS),
    route(f"{PATH}/{{device_id}}/retrait", send=remove, roles=ADMINISTRATORS),
]
