"""Change requests at the desk: what is asked, old beside new, its proofs, and the decision with its reason."""

import asyncio
from typing import Any

from french.wording import moment
from starlette.responses import Response

from web import changes
from web.answers.dossier import ChangeRequest, Document
from web.decisions import decided
from web.listings import Column, Filter, Listing
from web.pages.dossier import REQUESTS, school_names
from web.refusals import Refused
from web.roles import AGENTS
from web.visits import Visit, route

PATH = "/agent/modifications"
STATES = [(state, f"{name}s" if state != "waiting" else name) for state, name in changes.STATES.items()]

QUEUE = Listing(
    PATH,
    "Demandes de modification",
    ChangeRequest,
    REQUESTS,
    [
        Column("Demande", changes.title, lambda one: f"{PATH}/{one.id}"),
        Column("Dossier", lambda one: one.dossier_number, lambda one: f"/agent/dossiers/{one.dossier_id}"),
        Column("Famille", lambda one: one.family),
        Column("Reçue", lambda one: moment(one.asked_at)),
        Column("État", lambda one: changes.STATES.get(one.status, one.status)),
        Column("Motif", lambda one: one.reason or ""),
    ],
    [Filter("status", "État", STATES)],
    nothing="Aucune demande dans cet état.",
)


async def show(visit: Visit) -> Response:
    await visit.api.fresh()
    request = await visit.api.get(ChangeRequest, f"{REQUESTS}/{visit.path('request_id')}")
    schools, documents = await asyncio.gather(school_names(visit), _proofs(visit, request))
    return visit.page(
        "agent/change_request.html",
        request=request,
        rows=changes.rows(request, schools),
        documents=documents,
        changes=changes,
        path=f"{PATH}/{request.id}",
    )


async def _proofs(visit: Visit, request: ChangeRequest) -> list[Document]:
    """Those that were joined; none where they cannot be told now."""
    if not request.document_ids:
        return []
    try:
        found = await visit.api.all(Document, f"/dossier/v1/dossiers/{request.dossier_id}/documents")
    except Refused as refused:
        if refused.status < 500:
            raise
        return []
    return [one for one in found if one.id in request.document_ids]


async def decide(visit: Visit) -> Response:
    form = visit.form
    form.require(reason="Indiquez le motif de la décision.")
    accepted = form.get("decision") == "accepted"
    asked: dict[str, Any] = {"decision": "accepted" if accepted else "refused", "reason": form.get("reason").strip()}
    if accepted and form.get("counts_from"):
        asked["counts_from"] = form.get("counts_from")
    if accepted and form.get("resident") in ("oui", "non"):
        asked["resident"] = form.get("resident") == "oui"
    return await decided(visit, QUEUE, asked, ["reason", "counts_from", "resident"]) or await show(visit)


ROUTES = [
    *QUEUE.routes,
    route(f"{PATH}/{{request_id}}", show, roles=AGENTS),
    route(f"{PATH}/{{request_id}}/decision", send=decide, roles=AGENTS),
]
