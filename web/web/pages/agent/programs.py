"""The town's programs: named with what they may do; their secrets, told once and replaced without a refused request."""

from french.wording import moment
from starlette.responses import Response

from web.answers.identity import Program, SecretTold
from web.listings import Column, Listing
from web.refusals import NotFound, Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH, API = "/agent/programmes", "/identity/v1/clients"


def _secrets(one: Program) -> str:
    return " ; ".join(
        f"du {moment(secret.created_at)}"
        + (f", valable jusqu'au {moment(secret.expires_at)}" if secret.expires_at else "")
        for secret in one.secrets
    )


LIST = Listing(
    PATH,
    "Programmes de la commune",
    Program,
    API,
    [
        Column("Nom", lambda one: one.name, lambda one: f"{PATH}/{one.id}"),
        Column("Ce qu'il peut faire", lambda one: one.scope),
        Column("Secrets valables", _secrets),
    ],
    roles=ADMINISTRATORS,
    nothing="Aucun programme pour le moment.",
    template="agent/programs.html",
)


async def show_new(visit: Visit) -> Response:
    return visit.page("agent/program_new.html")


async def add(visit: Visit) -> Response:
    asked = visit.form.picked("name", "scope")
    try:
        return _told(visit, await visit.api.post(SecretTold, API, asked))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        visit.form.refused(refused, asked)
        return visit.page("agent/program_new.html")


async def show_program(visit: Visit) -> Response:
    program_id = visit.path("program_id")
    found = [one for one in await visit.api.all(Program, API) if one.id == program_id]
    if not found:
        raise NotFound
    return visit.page("agent/program.html", program=found[0], path=f"{PATH}/{program_id}", secrets=_secrets(found[0]))


async def rotate(visit: Visit) -> Response:
    said = visit.form.get("former_valid_h").strip()
    asked = {"former_valid_h": int(said) if said.isascii() and said.isdigit() and len(said) < 5 else -1}
    try:
        told = await visit.api.post(SecretTold, f"{API}/{visit.path('program_id')}/secrets", asked)
    except Refused as refused:
        if refused.status != 422:
            raise
        visit.form.refuse("former_valid_h", "Indiquez un nombre d'heures, de 0 à 720.")
        return await show_program(visit)
    return _told(visit, told)


def _told(visit: Visit, told: SecretTold) -> Response:
    """Shown at once, not by another address: it is told this once."""
    return visit.page("agent/program_secret.html", told=told)


async def remove(visit: Visit) -> Response:
    await visit.api.call("DELETE", f"{API}/{visit.path('program_id')}")
    return visit.go(PATH)


ROUTES = [
    *LIST.routes,
    route(f"{PATH}/nouveau", show_new, add, roles=ADMINISTRATORS),
    route(f"{PATH}/{{program_id}}", show_program, roles=ADMINISTRATORS),
    route(f"{PATH}/{{program_id}}/secrets", send=rotate, roles=ADMINISTRATORS),
    route(f"{PATH}/{{program_id}}/retrait", send=remove, roles=ADMINISTRATORS),
]
