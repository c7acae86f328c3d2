"""Two dossiers of one family become one: this one is archived, the one that is found by its number is kept."""

from starlette.responses import Response

from web.pages.agent.checked import FAMILY, NUMBER, SINCE, Wanted, checked, described, family, other, today
from web.roles import AGENTS
from web.visits import Visit, route


async def show(visit: Visit) -> Response:
    today(visit)
    return visit.page("agent/merge.html", dossier=await family(visit))


async def merge(visit: Visit) -> Response:
    dossier, form = await family(visit), visit.form
    kept = await other(visit, dossier)
    form.require(reason="Indiquez le motif.", **{SINCE: "Indiquez à partir de quel jour."})
    wanted = Wanted(
        "Réunir deux dossiers",
        "POST",
        f"/dossier/v1/dossiers/{dossier.id}/merge",
        {"into": kept and kept.id, "reason": form.get("reason").strip(), "from": form.get(SINCE)},
        chosen=[
            ("Archivé", described(dossier)),
            ("Gardé", described(kept) if kept else ""),
            ("Motif", form.get("reason")),
        ],
        inputs={"into": NUMBER, "reason": "reason", "from": SINCE},
    )
    return await checked(visit, wanted, show)


ROUTES = [route(f"{FAMILY}/reunion", show, merge, roles=AGENTS)]
