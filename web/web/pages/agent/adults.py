"""The adults of a family's dossier, at the desk: one is added, has other roles, or leaves."""

from starlette.responses import Response

from web.answers.dossier import Adult, Dossier
from web.pages.agent.checked import FAMILY, family, page_of
from web.pages.agent.dossiers import API
from web.pages.dossier_edits import overtaken, seen
from web.refusals import NotFound, Refused
from web.roles import AGENTS
from web.visits import Visit, route

#: Who pays is said from a day on, by itself.
ROLES = {"legal_guardian": "Responsable légal", "contact": "Personne à contacter"}
FIELDS = ("first_name", "last_name", "email", "phone")


async def show_new(visit: Visit) -> Response:
    return visit.page("agent/adult_new.html", family=await family(visit), roles=ROLES)


async def add(visit: Visit) -> Response:
    body = {**visit.form.filled(*FIELDS), "roles": visit.form.all("roles")}
    try:
        await visit.api.call("POST", f"{API}/{visit.path('dossier_id')}/adults", body)
        return visit.go(f"{page_of(visit)}?adulte-ajoute")
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        visit.form.refused(refused, [*FIELDS, "roles"])
        return await show_new(visit)


async def _adult(visit: Visit) -> tuple[Dossier, Adult]:
    """The one in the path, of the family that is theirs. Raises NotFound."""
    theirs, adult_id = await family(visit), visit.path("adult_id")
    for adult in theirs.adults:
        if adult.id == adult_id:
            return theirs, adult
    raise NotFound


async def show_roles(visit: Visit) -> Response:
    theirs, adult = await _adult(visit)
    return visit.page("agent/adult_roles.html", family=theirs, adult=adult, roles=ROLES)


async def change_roles(visit: Visit) -> Response:
    path = f"{API}/{visit.path('dossier_id')}/adults/{visit.path('adult_id')}"
    try:
        await visit.api.call("PUT", path, {"roles": visit.form.all("roles")}, seen=seen(visit))
        return visit.go(f"{page_of(visit)}?modifie")
    except Refused as refused:
        if not overtaken(visit, refused):
            visit.form.refused(refused, ["roles"])
        return await show_roles(visit)


async def show_removal(visit: Visit) -> Response:
    theirs, adult = await _adult(visit)
    return visit.page("agent/adult_removal.html", family=theirs, adult=adult)


async def remove(visit: Visit) -> Response:
    """Who has left already, has left."""
    try:
        await visit.api.call("DELETE", f"{API}/{visit.path('dossier_id')}/adults/{visit.path('adult_id')}")
    except Refused as refused:
        if refused.status == 409:
            visit.form.refused(refused, ())
            return await show_removal(visit)
        if refused.status != 404:
            raise
    return visit.go(f"{page_of(visit)}?adulte-retire")


ROUTES = [
    route(f"{FAMILY}/adultes/nouveau", show_new, add, roles=AGENTS),
    route(f"{FAMILY}/adultes/{{adult_id}}", show_roles, change_roles, roles=AGENTS),
    route(f"{FAMILY}/adultes/{{adult_id}}/retrait", show_removal, remove, roles=AGENTS),
]
