"""Signing in and out."""

from contextlib import suppress
from typing import Any

from chassis import clock
from starlette.responses import Response

from web import session
from web.answers.identity import Me
from web.refusals import Refused, SignedOut
from web.visits import RESUME, Visit, route

SAID = {
    "fin": "Vous êtes déconnecté.",
    "active": "Votre compte est activé : connectez-vous.",
    "change": "Votre mot de passe est changé : connectez-vous.",
}
FAMILIES_ONLY = "Ces pages sont celles des familles : votre compte est celui d'un agent de la commune."


def _back(said: str) -> str:
    """A path of ours to go to next; the home page for anything else."""
    ours = said.startswith("/") and not said.startswith(("//", "/\\")) and said.isprintable()
    return said if ours else "/"


async def show_sign_in(visit: Visit) -> Response:
    following = _back(visit.query("retour"))
    if visit.session.signed_in:
        # Asked, not believed: a session that was ended elsewhere would lead back here for ever.
        with suppress(SignedOut):
            await visit.api.get(Me, "/identity/v1/me")
            return visit.go(following)
    said = next((sentence for name, sentence in SAID.items() if name in visit.request.query_params), None)
    return visit.page("account/sign_in.html", following=following, resume="", said=said)


async def sign_in(visit: Visit) -> Response:
    form, following, resume = visit.form, _back(visit.form.get("retour")), visit.form.get(RESUME)
    shown: dict[str, Any] = {"following": following, "resume": resume, "said": None}
    if not form.require(login="Indiquez votre nom d'utilisateur.", password="Indiquez votre mot de passe."):  # noqa: S106
        return visit.page("account/sign_in.html", **shown)
    asked = {"login": form.get("login").strip(), "password": form.get("password")}
    try:
        tokens = await visit.api.public("POST", "/identity/v1/sessions", asked)
    except Refused as refused:
        if refused.status not in (401, 403, 422):
            raise
        form.refused(refused, asked)
        return visit.page("account/sign_in.html", **shown)
    before, visit.session = visit.session, session.Session()  # a new secret: what was shown before is nobody's any more
    visit.session.take(tokens, clock.now())
    me = await visit.api.get(Me, "/identity/v1/me")
    if me.role != "guardian":
        await visit.api.call("DELETE", "/identity/v1/sessions/current")
        visit.session = before
        form.refuse("", FAMILIES_ONLY)
        return visit.page("account/sign_in.html", **shown)
    visit.session.account, visit.session.first_name = me.id, me.first_name
    kept = visit.site.settings.seal.open(RESUME, resume) if resume else None
    if kept and kept["account"] in ("", me.id):  # somebody else's words are for nobody else
        return visit.resume(kept["path"], kept["values"])
    return visit.go(following)


async def sign_out(visit: Visit) -> Response:
    with suppress(Refused, SignedOut):
        await visit.api.call("DELETE", "/identity/v1/sessions/current")
    visit.session = session.Session()
    visit.forgotten = True
    response = visit.go("/connexion?fin")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


ROUTES = [
    route("/connexion", show_sign_in, sign_in, public=True),
    route("/deconnexion", send=sign_out, public=True),
]
