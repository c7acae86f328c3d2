"""What is to change in a household on a later day, and what could not be done on its own; each can be withdrawn."""

from french.wording import day, moment
from starlette.responses import Response

from web.answers.dossier import PlannedChange
from web.listings import Column, Listing
from web.pages.agent.checked import FAMILY, family
from web.refusals import NotFound, Refused
from web.roles import AGENTS
from web.visits import Visit, route

PATH = f"{FAMILY}/changements-prevus"


def api(dossier_id: str) -> str:
    return f"/dossier/v1/dossiers/{dossier_id}/planned-changes"


def _of(dossier_id: str) -> Listing[PlannedChange]:
    path = PATH.format(dossier_id=dossier_id)
    return Listing(
        path,
        "Changements prévus",
        PlannedChange,
        api(dossier_id),
        [
            Column("Le", lambda one: day(one.day), lambda one: f"{path}/{one.id}"),
            Column("Changement", lambda one: one.about),
            Column("État", _state),
            Column("Motif", lambda one: one.reason or "–"),
            Column("Demandé", lambda one: f"le {moment(one.asked_at)}, par {one.asked_by_name or 'le guichet'}"),
        ],
        nothing="Aucun changement n'est prévu pour cette famille.",
        template="agent/planned.html",
    )


def _state(one: PlannedChange) -> str:
    return f"Non fait : {one.refused}" if one.refused else "Prévu"


async def show(visit: Visit) -> Response:
    dossier = await family(visit)
    return await _of(dossier.id).show(visit, dossier=dossier)


async def export(visit: Visit) -> Response:
    return await _of(visit.path("dossier_id")).export(visit)


async def show_one(visit: Visit) -> Response:
    dossier_id, wanted = visit.path("dossier_id"), visit.path("planned_change_id")
    for one in await visit.api.all(PlannedChange, api(dossier_id)):
        if one.id == wanted:
            return visit.page(
                "agent/planned_change.html", one=one, state=_state(one), path=PATH.format(dossier_id=dossier_id)
            )
    raise NotFound


async def withdraw(visit: Visit) -> Response:
    here = PATH.format(dossier_id=visit.path("dossier_id"))
    try:
        await visit.api.call("DELETE", f"/dossier/v1/planned-changes/{visit.path('planned_change_id')}")
    except Refused as refused:
        if refused.status != 404:
            raise
        return visit.go(f"{here}?absent")
    return visit.go(f"{here}?retire")


ROUTES = [
    route(PATH, show, roles=AGENTS),
    route(f"{PATH}.csv", export, roles=AGENTS),
    route(f"{PATH}/{{planned_change_id}}", show_one, withdraw, roles=AGENTS),
]
