"""Dossiers asked for by families new in town: what they say, and the decision, once their dossier is made."""

from french.wording import moment
from starlette.responses import Response

from web.answers.identity import DossierRequest
from web.decisions import decided
from web.listings import Column, Filter, Listing
from web.pages.agent.families import numbered
from web.pages.agent.link_requests import NAMES, STATES, guardians
from web.roles import AGENTS
from web.visits import Visit, route

PATH, API = "/agent/demandes-de-dossier", "/identity/v1/dossier-requests"

QUEUE = Listing(
    PATH,
    "Demandes de dossier",
    DossierRequest,
    API,
    [
        Column("Demande de", lambda one: f"{one.first_name} {one.last_name}", lambda one: f"{PATH}/{one.id}"),
        Column("Reçue", lambda one: moment(one.created_at)),
        Column("Enfants", lambda one: ", ".join(child.first_name for child in one.children)),
        Column("Adresse", lambda one: f"{one.address.street}, {one.address.postcode} {one.address.city}"),
        Column("Courriel", lambda one: one.email),
        Column("État", lambda one: NAMES.get(one.status, one.status)),
        Column("Motif", lambda one: one.reason or ""),
    ],
    [Filter("status", "État", STATES)],
    nothing="Aucune demande dans cet état.",
)
NO_DOSSIER = "Aucun dossier n'a ce numéro : créez-le d'abord, puis indiquez son numéro."


async def show(visit: Visit) -> Response:
    """The request; with the guardians of the dossier that was made, where they must be told apart."""
    request = await find(visit, visit.path("request_id"))
    number = (visit.form.get("dossier") or visit.query("dossier")).strip()
    found = await numbered(visit, number) if visit.form.message("guardian_id") else None
    return visit.page(
        "agent/dossier_request.html",
        request=request,
        candidates=await guardians(visit, found) if found else [],
        number=number,
        states=NAMES,
        path=f"{PATH}/{request.id}",
    )


async def decide(visit: Visit) -> Response:
    form = visit.form
    asked = {"decision": "accepted" if form.get("decision") == "accepted" else "refused"}
    form.require(reason="Indiquez le motif de la décision.")
    asked["reason"] = form.get("reason").strip()
    if asked["decision"] == "accepted":
        number = form.get("dossier").strip()
        found = await numbered(visit, number) if number else None
        if found is None:
            form.refuse("dossier", NO_DOSSIER if number else "Indiquez le numéro du dossier créé pour cette famille.")
        else:
            asked["dossier_id"] = found.id
            asked |= {"guardian_id": form.get("guardian_id")} if form.get("guardian_id") else {}
    inputs = ["dossier", "guardian_id", "reason"]
    return await decided(visit, QUEUE, asked, inputs, {"dossier_id": "dossier"}) or await show(visit)


async def find(visit: Visit, request_id: str) -> DossierRequest:
    return await visit.api.get(DossierRequest, f"{API}/{visit.safe(request_id)}")


ROUTES = [
    *QUEUE.routes,
    route(f"{PATH}/{{request_id}}", show, roles=AGENTS),
    route(f"{PATH}/{{request_id}}/decision", send=decide, roles=AGENTS),
]
