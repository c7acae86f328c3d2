"""A family is erased for good, by an administrator: said by its number, shown what goes and stays, then confirmed."""

from starlette.responses import Response

from web.answers.dossier import Touched
from web.pages.agent.checked import AGAIN, CONFIRM, DO, UNKNOWN, Wanted
from web.pages.agent.dossiers import API
from web.pages.agent.families import numbered
from web.refusals import Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH = "/agent/effacements"
#: The inputs of the number, and of the very dossier that was looked at: its number may be another's one day.
NUMBER, ID = "numero", "dossier_id"


async def show(visit: Visit) -> Response:
    return visit.page("agent/erasure.html", done="efface" in visit.request.query_params)


async def erase(visit: Visit) -> Response:
    form = visit.form
    if form.get(DO) == AGAIN:
        return await show(visit)
    dossier_id, confirmed = form.get(ID), form.get(DO) == CONFIRM
    if not confirmed and form.require(**{NUMBER: "Indiquez le numéro du dossier."}):
        found = await numbered(visit, form.get(NUMBER).strip())
        dossier_id = found.id if found else ""
        if not found:
            form.refuse(NUMBER, UNKNOWN)
    if form.errors:
        return await show(visit)
    query = {"reason": form.get("reason").strip()} | ({} if confirmed else {"preview": "true"})
    try:
        said = await visit.api.call("DELETE", f"{API}/{visit.safe(dossier_id)}", query=query)
    except Refused as refused:
        if confirmed and refused.status == 404:
            return visit.go(f"{PATH}?efface")  # it is already
        if refused.status not in (409, 422):
            raise
        form.refused(refused, ["reason"], {"query/reason": "reason"})
        return await show(visit)
    if confirmed:
        return visit.go(f"{PATH}?efface")
    return visit.page(
        "agent/checked.html",
        wanted=Wanted("Effacer une famille", "DELETE", API, chosen=[("Motif", query["reason"])]),
        touches=Touched.model_validate_json(said).touches,
        values={ID: [dossier_id], **{name: [form.get(name)] for name in (NUMBER, "reason")}},
        path=PATH,
    )


ROUTES = [route(PATH, show, erase, roles=ADMINISTRATORS)]
