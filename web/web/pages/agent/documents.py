"""Documents that families handed in: read, then accepted or refused with a reason."""

from french.wording import day, moment
from starlette.responses import Response

from web.answers.dossier import Document, Dossier
from web.listings import Column, Listing
from web.pages.documents import saved
from web.refusals import NotFound, Refused
from web.roles import AGENTS
from web.visits import Visit, route

PATH, API = "/agent/documents", "/dossier/v1/documents"

QUEUE = Listing(
    PATH,
    "Documents à vérifier",
    Document,
    API,
    [
        Column("Document", lambda one: one.kind_name, lambda one: f"{PATH}/{one.id}"),
        Column("Envoyé", lambda one: moment(one.uploaded_at)),
        Column("Valable jusqu'au", lambda one: day(one.expires_on) if one.expires_on else ""),
    ],
    nothing="Aucun document n'attend d'être vérifié.",
)

EXPIRING = Listing(
    "/agent/documents-a-renouveler",
    "Documents à renouveler",
    Document,
    API,
    [
        Column("Document", lambda one: one.kind_name, lambda one: f"/agent/dossiers/{one.dossier_id}"),
        Column("Valable jusqu'au", lambda one: day(one.expires_on) if one.expires_on else ""),
    ],
    query={"expiring": "true"},
    nothing="Aucun document n'expire dans le mois.",
)


async def show(visit: Visit) -> Response:
    document = await _document(visit)
    dossier = await visit.api.get(Dossier, f"/dossier/v1/dossiers/{document.dossier_id}")
    child = next((one for one in dossier.children if one.id == document.child_id), None)
    return visit.page("agent/document.html", document=document, dossier=dossier, child=child, path=PATH)


async def decide(visit: Visit) -> Response:
    form, document_id = visit.form, visit.path("document_id")
    accepted = form.get("decision") == "accepted"
    if not accepted:
        form.require(reason="Indiquez pourquoi ce document est refusé.")
    if not form.errors:
        asked = {"decision": "accepted" if accepted else "refused"}
        asked |= {name: value for name, value in form.picked("reason", "expires_on").items() if value}
        try:
            await visit.api.call("POST", f"{API}/{document_id}/decision", asked)
            return visit.go(PATH)
        except Refused as refused:
            if refused.status != 422:
                raise
            form.refused(refused, ["reason", "expires_on"])
    return await show(visit)


async def read(visit: Visit) -> Response:
    document = await _document(visit)
    return saved(await visit.api.call("GET", f"{API}/{document.id}"), document.media_type)


async def _document(visit: Visit) -> Document:
    """Of those that wait. Raises NotFound."""
    for one in await visit.api.all(Document, API):
        if one.id == visit.path("document_id"):
            return one
    raise NotFound


ROUTES = [
    *QUEUE.routes,
    *EXPIRING.routes,
    route(f"{PATH}/{{document_id}}", show, roles=AGENTS),
    route(f"{PATH}/{{document_id}}/fichier", read, roles=AGENTS),
    route(f"{PATH}/{{document_id}}/decision", send=decide, roles=AGENTS),
]
