"""Letters: invitations among them, what is to be printed for whom no mail reaches, and that it was printed."""

from french.wording import moment
from starlette.responses import Response

from web.answers.identity import Letter
from web.listings import Column, Listing
from web.refusals import NotFound
from web.roles import AGENTS
from web.visits import Visit, route

PATH, API = "/agent/lettres", "/identity/v1/letters"

QUEUE = Listing(
    PATH,
    "Lettres à imprimer",
    Letter,
    f"{API}/waiting",
    [
        Column("Dossier", lambda one: one.number, lambda one: f"/agent/dossiers?q={one.number}"),
        Column("Pour", lambda one: one.recipient),
        Column("Adresse", lambda one: ", ".join(one.address) or "manquante : complétez le dossier"),
        Column("Objet", lambda one: one.title),
        Column("Écrite", lambda one: moment(one.created_at)),
    ],
    nothing="Aucune lettre à imprimer.",
    template="agent/letters.html",
)


async def prepare(visit: Visit) -> Response:
    """A file of all that can be printed now; the page then offers it."""
    content, run_id = await visit.api.document(API)
    return visit.go(f"{PATH}?tirage={run_id}" if content else f"{PATH}?rien")


async def show_file(visit: Visit) -> Response:
    content, _ = await visit.api.document(API, run_id=visit.path("run_id"))
    if not content:
        raise NotFound
    return Response(content, media_type="application/pdf")


async def mark_printed(visit: Visit) -> Response:
    await visit.api.call("POST", f"{API}/printed", {"run_id": visit.safe(visit.form.get("tirage"))})
    return visit.go(f"{PATH}?imprimees")


async def invite(visit: Visit) -> Response:
    """A letter with a code for that guardian, from the family's page."""
    family = f"/agent/dossiers/{visit.path('dossier_id')}"
    asked = {"guardian_id": visit.safe(visit.form.get("guardian_id"))}
    await visit.api.call("POST", f"/identity/v1/dossiers/{visit.path('dossier_id')}/invitation", asked)
    return visit.go(f"{family}?invitation")


ROUTES = [
    *QUEUE.routes,
    route(f"{PATH}/tirages", send=prepare, roles=AGENTS),
    route(f"{PATH}/tirages/{{run_id}}.pdf", show_file, roles=AGENTS),
    route("/agent/dossiers/{dossier_id}/invitation", send=invite, roles=AGENTS),
    route(f"{PATH}/imprimees", send=mark_printed, roles=AGENTS),
]
