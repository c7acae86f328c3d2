"""Documents that families handed in: read, then accepted or refused with a reason."""

from french.wording import day, moment
from starlette.responses import Response

from web.answers import Page
from web.answers.dossier import Document, DocumentKind, Dossier
from web.listings import Column, Filter, Listing
from web.pages.agent import families
from web.pages.documents import STATES, saved
from web.refusals import NotFound, Refused
from web.roles import AGENTS
from web.visits import Visit, route

PATH, API = "/agent/documents", "/dossier/v1/documents"
#: One, by its family's dossier.
ONE = "/agent/dossiers/{}/documents/{}"


async def _kinds(visit: Visit) -> list[tuple[str, str]]:
    found = await visit.api.get(Page[DocumentKind], "/dossier/v1/document-kinds")
    return [("", "Tous"), *((one.code, one.name) for one in found.items)]


_KIND = Filter("kind", "Type de document", options=_kinds)
QUEUE = Listing(
    PATH,
    "Documents à vérifier",
    Document,
    API,
    [
        Column("Document", lambda one: one.kind_name, lambda one: ONE.format(one.dossier_id, one.id)),
        Column("Dossier", lambda one: one.family, lambda one: f"/agent/dossiers/{one.dossier_id}"),
        Column("Envoyé", lambda one: moment(one.uploaded_at)),
        Column("Valable jusqu'au", lambda one: day(one.expires_on) if one.expires_on else ""),
    ],
    [_KIND],
    nothing="Aucun document n'attend d'être vérifié.",
    complete=families.named,
)

EXPIRING = Listing(
    "/agent/documents-a-renouveler",
    "Documents à renouveler",
    Document,
    API,
    [
        Column("Document", lambda one: one.kind_name, lambda one: ONE.format(one.dossier_id, one.id)),
        Column("Dossier", lambda one: one.family, lambda one: f"/agent/dossiers/{one.dossier_id}"),
        Column("Valable jusqu'au", lambda one: day(one.expires_on) if one.expires_on else ""),
    ],
    [_KIND],
    query={"expiring": "true"},
    nothing="Aucun document n'expire dans le mois.",
    complete=families.named,
)


async def show(visit: Visit) -> Response:
    document = await _document(visit)
    dossier = await visit.api.get(Dossier, f"/dossier/v1/dossiers/{document.dossier_id}")
    return visit.page(
        "agent/document.html",
        document=document,
        dossier=dossier,
        child=next((one for one in dossier.children if one.id == document.child_id), None),
        path=ONE.format(dossier.id, document.id),
        queue=PATH,
        states=STATES,
    )


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
            if refused.status not in (409, 422):
                raise
            form.refused(refused, ["reason", "expires_on"])
    return await show(visit)


async def read(visit: Visit) -> Response:
    document = await _document(visit)
    return saved(await visit.api.call("GET", f"{API}/{document.id}"), document.media_type)


async def _document(visit: Visit) -> Document:
    """Whatever its state. Raises NotFound."""
    of_dossier = f"/dossier/v1/dossiers/{visit.path('dossier_id')}/documents"
    for one in await visit.api.all(Document, of_dossier):
        if one.id == visit.path("document_id"):
            return one
    raise NotFound


_ONE = ONE.format("{dossier_id}", "{document_id}")
ROUTES = [
    *QUEUE.routes,
    *EXPIRING.routes,
    route(_ONE, show, roles=AGENTS),
    route(f"{_ONE}/fichier", read, roles=AGENTS),
    route(f"{_ONE}/decision", send=decide, roles=AGENTS),
]
