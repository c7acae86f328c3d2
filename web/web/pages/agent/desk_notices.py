"""What services tell the desk: bookings refused, money that came late, calls to make; until it has been seen to."""

from french.wording import moment
from starlette.responses import Response

from web.answers.identity import DeskNotice
from web.listings import Column, Filter, Listing
from web.roles import ADMINISTRATORS, AGENTS
from web.visits import Visit, route

PATH, API, ROLES = "/agent/a-suivre", "/identity/v1/desk-notices", (*AGENTS, *ADMINISTRATORS)

QUEUE = Listing(
    PATH,
    "Affaires à suivre",
    DeskNotice,
    API,
    [
        Column("Affaire", lambda one: one.title, lambda one: f"{PATH}/{one.id}"),
        Column("Reçue", lambda one: moment(one.created_at)),
        Column("Traitée", lambda one: moment(one.done_at) if one.done_at else ""),
        Column("Par", lambda one: one.done_by_name or ""),
    ],
    [Filter("status", "État", [("waiting", "À suivre"), ("done", "Traitées")])],
    roles=ROLES,
    nothing="Aucune affaire dans cet état.",
)


async def show(visit: Visit) -> Response:
    notice = await visit.api.get(DeskNotice, f"{API}/{visit.path('notice_id')}")
    return visit.page("agent/desk_notice.html", notice=notice, path=f"{PATH}/{notice.id}")


async def deal_with(visit: Visit) -> Response:
    await visit.api.call("POST", f"{API}/{visit.path('notice_id')}/done")
    return visit.go(PATH)


ROUTES = [*QUEUE.routes, route(f"{PATH}/{{notice_id}}", show, deal_with, roles=ROLES)]
