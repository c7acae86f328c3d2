"""A child is of a second dossier, which is found by its number, moves to it, or leaves one of its two."""

from starlette.responses import Response

from web.pages.agent.checked import (
    FAMILY,
    NUMBER,
    SINCE,
    Wanted,
    checked,
    described,
    family,
    other,
    today,
)
from web.pages.dossier import child_of
from web.roles import AGENTS
from web.visits import Visit, route

CHILD = f"{FAMILY}/enfants/{{child_id}}"
#: Whether the child leaves the dossier for the other one.
HOW = {"deux": "fait partie des deux dossiers (garde alternée)", "part": "quitte ce dossier pour l'autre"}


async def show(visit: Visit) -> Response:
    today(visit)
    dossier = await family(visit)
    return visit.page("agent/child_share.html", dossier=dossier, child=child_of(visit, dossier), how=HOW)


async def share(visit: Visit) -> Response:
    dossier, form = await family(visit), visit.form
    child = child_of(visit, dossier)
    joined = await other(visit, dossier)
    if form.get("devient") not in HOW:
        form.refuse("devient", "Choisissez si l'enfant reste aussi dans ce dossier.")
    form.require(**{SINCE: "Indiquez à partir de quel jour."})
    leaves = dossier.id if form.get("devient") == "part" else None
    wanted = Wanted(
        f"Rattacher {child.first_name} à un autre dossier",
        "POST",
        f"/dossier/v1/children/{child.id}/dossiers",
        {"dossier_id": joined and joined.id, "leaves": leaves, "from": form.get(SINCE)},
        chosen=[
            ("Enfant", f"{child.first_name} {child.last_name}"),
            ("Autre dossier", described(joined) if joined else ""),
            ("Ce dossier", described(dossier)),
        ],
        inputs={"dossier_id": NUMBER, "from": SINCE},
    )
    return await checked(visit, wanted, show)


async def show_leave(visit: Visit) -> Response:
    today(visit)
    dossier = await family(visit)
    return visit.page("agent/child_leave.html", dossier=dossier, child=child_of(visit, dossier))


async def leave(visit: Visit) -> Response:
    dossier, form = await family(visit), visit.form
    child = child_of(visit, dossier)
    form.require(**{SINCE: "Indiquez à partir de quel jour."})
    wanted = Wanted(
        f"Retirer {child.first_name} de ce dossier",
        "DELETE",
        f"/dossier/v1/children/{child.id}/dossiers/{dossier.id}",
        query={"from": form.get(SINCE)},
        inputs={"query/from": SINCE, "from": SINCE},
    )
    return await checked(visit, wanted, show_leave)


ROUTES = [
    route(f"{CHILD}/autre-dossier", show, share, roles=AGENTS),
    route(f"{CHILD}/retrait", show_leave, leave, roles=AGENTS),
]
