"""« Demander un dossier »: a family new in town says who it is; an agent makes its dossier, and mails how to go on."""

from typing import Any

from starlette.responses import Response

from web.refusals import Refused
from web.visits import Visit, route

HERE, SENT = "/demande-de-dossier", "/demande-de-dossier/envoyee"
MOST = 10
WHO = ("first_name", "last_name", "email", "phone", "street", "postcode", "city", "message")
CHILD = ("first_name", "last_name", "birth_date")


def _shown(visit: Visit) -> int:
    """How many children the form has room for: one, or those that were sent, and one more where it is asked for."""
    sent = sum(f"enfant-{position}-first_name" in visit.form.values for position in range(MOST))
    return min(MOST, max(1, sent) + ("ajouter" in visit.form.values))


def _page(visit: Visit) -> Response:
    return visit.page("dossier_request/form.html", shown=_shown(visit), most=MOST)


async def show(visit: Visit) -> Response:
    return _page(visit)


async def send(visit: Visit) -> Response:
    form = visit.form
    if "ajouter" in form.values:
        return visit.page("dossier_request/form.html", 200, shown=_shown(visit), most=MOST)
    said = form.picked(*WHO)
    children, inputs = _children(visit)
    form.require(
        first_name="Indiquez votre prénom.",
        last_name="Indiquez votre nom de famille.",
        email="Indiquez votre courriel.",
        street="Indiquez le numéro et la rue.",
        postcode="Indiquez le code postal.",
        city="Indiquez la commune.",
    )
    if not children:
        form.refuse("enfant-0-first_name", "Indiquez au moins un enfant : son prénom, son nom et sa date de naissance.")
    if not form.errors:
        asked: dict[str, Any] = {name: value for name, value in said.items() if value}
        asked["address"] = {name: asked.pop(name) for name in ("street", "postcode", "city")}
        try:
            await visit.api.public("POST", "/identity/v1/dossier-requests", asked | {"children": children})
            return visit.go(SENT)
        except Refused as refused:
            if refused.status != 422:
                raise
            instead = inputs | {f"address/{name}": name for name in asked["address"]}
            form.refused(refused, [*WHO, *inputs.values()], instead)
    return _page(visit)


def _children(visit: Visit) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Those of whom anything is said, and for each of their fields the input; what is not said of one is refused."""
    children: list[dict[str, str]] = []
    inputs: dict[str, str] = {}
    missing = {
        "first_name": "Indiquez le prénom de l'enfant.",
        "last_name": "Indiquez le nom de l'enfant.",
        "birth_date": "Indiquez la date de naissance de l'enfant.",
    }
    for row in range(MOST):
        names = {name: f"enfant-{row}-{name}" for name in CHILD}
        child = {name: visit.form.get(one).strip() for name, one in names.items()}
        if any(child.values()):
            for name, one in names.items():
                if not child[name]:
                    visit.form.refuse(one, missing[name])
            inputs |= {f"children/{len(children)}/{name}": one for name, one in names.items()}
            children.append(child)
    return children, inputs


async def show_sent(visit: Visit) -> Response:
    return visit.page("dossier_request/sent.html")


ROUTES = [
    route(HERE, show, send, public=True),
    route(SENT, show_sent, public=True),
]
