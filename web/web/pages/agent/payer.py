"""Who pays for a family, from a day on."""

from starlette.responses import Response

from web.pages.agent.checked import FAMILY, SINCE, Wanted, checked, family, today
from web.roles import AGENTS
from web.visits import Visit, route


async def show(visit: Visit) -> Response:
    today(visit)
    dossier = await family(visit)
    return visit.page("agent/payer.html", dossier=dossier)


async def change(visit: Visit) -> Response:
    dossier_id = visit.path("dossier_id")
    visit.form.require(adult_id="Choisissez qui paie.", **{SINCE: "Indiquez à partir de quel jour."})
    wanted = Wanted(
        "Changer le payeur",
        "POST",
        f"/dossier/v1/dossiers/{dossier_id}/payer",
        {"adult_id": visit.form.get("adult_id"), "from": visit.form.get(SINCE)},
        inputs={"adult_id": "adult_id", "from": SINCE},
    )
    return await checked(visit, wanted, show)


ROUTES = [route(f"{FAMILY}/payeur", show, change, roles=AGENTS)]
