"""A family's dossier is created at the desk, of what is written here; what a family asked for is written already."""

from typing import Any

from starlette.responses import Response

from web import lines
from web.answers.dossier import Dossier
from web.pages.agent import dossier_requests
from web.pages.agent.dossiers import API
from web.refusals import Refused
from web.roles import AGENTS
from web.visits import REASON, Visit, route

PATH = "/agent/dossiers/nouveau"
#: The input that names the request which the dossier answers.
ASKED = "demande"
ADDRESS = ("street", "postcode", "city")
ADULT, CHILD = ("first_name", "last_name", "email", "phone"), ("first_name", "last_name", "birth_date")
KNOWN = "urn:problem:dossier:dossier-known"
ROLES = {"legal_guardian": "Responsable légal", "payer": "Paie les factures", "contact": "Personne à contacter"}


async def show(visit: Visit) -> Response:
    form, adults, children = visit.form, [0, 1], [0, 1]
    if visit.query(ASKED):
        request = await dossier_requests.find(visit, visit.query(ASKED))
        form.values |= {name: [getattr(request.address, name)] for name in ADDRESS}
        form.values[ASKED] = [request.id]
        adults = lines.offer(form, "adulte", ADULT, [request])
        children = lines.offer(form, "enfant", CHILD, request.children)
    form.values[_roles(0)] = ["legal_guardian", "payer"]
    return _page(visit, adults, children)


def _roles(row: int) -> str:
    return lines.name_of("adulte", row, "roles")


def _page(visit: Visit, adults: list[int], children: list[int], *, known: bool = False) -> Response:
    """`known`: it is refused because there seems to be one, which a reason passes over."""
    known = known or bool(visit.form.get(REASON))
    return visit.page("agent/dossier_new.html", adults=adults, children=children, roles=ROLES, known=known)


async def create(visit: Visit) -> Response:
    form, asked = visit.form, visit.form.get(ASKED) and visit.safe(visit.form.get(ASKED))
    adults, children = lines.sent(form, "adulte", ADULT), lines.sent(form, "enfant", CHILD)
    body: dict[str, Any] = {
        **form.filled("number"),
        "address": form.filled(*ADDRESS),
        "adults": [{**_filled(line), "roles": form.all(_roles(row))} for row, line in adults],
        "children": [_filled(line) for _, line in children],
    }
    if reason := form.get(REASON).strip():
        body["override_reason"] = reason
    try:
        made = await visit.api.post(Dossier, API, body)
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        instead = {f"address/{name}": name for name in ADDRESS} | {"override_reason": REASON}
        instead |= {"adults": lines.name_of("adulte", 0, ADULT[0])}
        instead |= lines.inputs("adults", "adulte", (*ADULT, "roles"), adults)
        instead |= lines.inputs("children", "enfant", CHILD, children)
        form.refused(refused, ["number", *instead.values()], instead)
        rows = lines.shown_again(form, "adulte", ADULT), lines.shown_again(form, "enfant", CHILD)
        return _page(visit, *rows, known=refused.type == KNOWN)
    if asked:
        return visit.go(f"{dossier_requests.PATH}/{asked}?dossier={made.number}")
    return visit.go(f"/agent/dossiers/{made.id}?cree")


def _filled(line: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in line.items() if value}


ROUTES = [route(PATH, show, create, roles=AGENTS)]
