"""Accounts asked for at the desk: who asks, whose dossier it could be, and the decision with its reason."""

from french.wording import moment
from starlette.responses import Response

from web.answers.dossier import Dossier, FoundDossier
from web.answers.identity import Candidate, LinkRequest
from web.decisions import decided
from web.listings import Column, Filter, Listing
from web.pages.agent.families import numbered
from web.roles import AGENTS
from web.visits import Visit, route

PATH, API = "/agent/rattachements", "/identity/v1/link-requests"
STATES = [("waiting", "En attente"), ("accepted", "Acceptées"), ("refused", "Refusées")]
NAMES = dict(STATES)

QUEUE = Listing(
    PATH,
    "Demandes de rattachement",
    LinkRequest,
    API,
    [
        Column("Demande de", lambda one: f"{one.first_name} {one.last_name}", lambda one: f"{PATH}/{one.id}"),
        Column("Reçue", lambda one: moment(one.created_at)),
        Column("Dossier indiqué", lambda one: one.dossier_number or "aucun"),
        Column("Courriel", lambda one: one.email),
        Column("État", lambda one: NAMES.get(one.status, one.status)),
        Column("Motif", lambda one: one.reason or ""),
    ],
    [Filter("status", "État", STATES)],
    nothing="Aucune demande dans cet état.",
)


async def show(visit: Visit) -> Response:
    """The request, with the guardians of the dossier that it names, or of the one that the agent looked up."""
    request = await visit.api.get(LinkRequest, f"{API}/{visit.path('request_id')}")
    number = (visit.query("dossier") or visit.form.get("dossier")).strip()
    found = await numbered(visit, number) if number else None
    candidates = await guardians(visit, found) if found else [] if number else request.candidates
    if number and not candidates:
        visit.form.refuse("dossier", "Aucun dossier n'a ce numéro, ou il n'a pas de responsable légal.")
    return visit.page(
        "agent/link_request.html",
        request=request,
        candidates=candidates,
        number=number,
        states=NAMES,
        path=f"{PATH}/{request.id}",
    )


async def decide(visit: Visit) -> Response:
    form = visit.form
    accepted = form.get("decision") == "accepted"
    if accepted and not form.get("guardian_id"):
        form.refuse("guardian_id", "Indiquez pour quel responsable la demande est acceptée.")
    form.require(reason="Indiquez le motif de la décision.")
    asked = {"decision": "accepted" if accepted else "refused", "reason": form.get("reason").strip()}
    asked |= {"guardian_id": form.get("guardian_id")} if accepted else {}
    return await decided(visit, QUEUE, asked, ["guardian_id", "reason"]) or await show(visit)


async def guardians(visit: Visit, found: FoundDossier) -> list[Candidate]:
    """Of that dossier, with what tells them apart."""
    dossier = await visit.api.get(Dossier, f"/dossier/v1/dossiers/{found.id}")
    return [
        Candidate(
            guardian_id=adult.id,
            first_name=adult.first_name,
            last_name=adult.last_name,
            email=adult.email,
            has_account=bool(adult.has_account),
        )
        for adult in dossier.adults
        if "legal_guardian" in adult.roles
    ]


ROUTES = [
    *QUEUE.routes,
    route(f"{PATH}/{{request_id}}", show, roles=AGENTS),
    route(f"{PATH}/{{request_id}}/decision", send=decide, roles=AGENTS),
]
