"""Signing in and out."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from chassis import clock
from starlette.responses import Response

from web import session
from web.answers.identity import Me
from web.refusals import Refused, SignedOut
from web.visits import PROOF, RESUME, Visit, route

SAID = {
    "fin": "Vous êtes déconnecté.",
    "active": "Votre compte est activé : connectez-vous.",
    "ferme": "Votre compte est fermé.",
    "change": "Votre mot de passe est changé : connectez-vous.",
}
#: What identity says where the password was right and a second factor is asked for.
CODE_NEEDED = "urn:problem:identity:second-factor-required"
#: So long the password waits for its code.
CODE_WITHIN = timedelta(minutes=10)
WRONG_CODE = "Ce code n'est pas le bon, ou il a déjà servi : attendez le suivant, puis réessayez."
TOO_LATE = "Le temps prévu pour donner le code est passé : connectez-vous de nouveau."


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
    form = visit.form
    if not form.require(login="Indiquez votre nom d'utilisateur.", password="Indiquez votre mot de passe."):  # noqa: S106
        return _sign_in_again(visit)
    asked = {"login": form.get("login").strip(), "password": form.get("password")}
    try:
        return await _signed_in(visit, asked)
    except Refused as refused:
        if refused.type == CODE_NEEDED:
            return _ask_code(visit, asked)
        if refused.status not in (401, 403, 422):
            raise
        form.refused(refused, asked)
        return _sign_in_again(visit)


def _sign_in_again(visit: Visit) -> Response:
    following, resume = _back(visit.form.get("retour")), visit.form.get(RESUME)
    return visit.page("account/sign_in.html", following=following, resume=resume, said=None)


async def _signed_in(visit: Visit, asked: dict[str, str]) -> Response:
    """Signed in by that proof, on the way to what was wanted. Raises Refused."""
    return await enter(visit, await visit.api.public("POST", "/identity/v1/sessions", asked))


async def enter(visit: Visit, tokens: dict[str, Any]) -> Response:
    """Signed in by these tokens, on the way to what was wanted."""
    form, visit.session = visit.form, session.Session()  # a new secret: what was shown before is nobody's any more
    visit.session.take(tokens, clock.now())
    me = await visit.api.get(Me, "/identity/v1/me")
    visit.session.account, visit.session.first_name, visit.session.role = me.id, me.first_name, me.role
    resume = form.get(RESUME)
    kept = visit.site.settings.seal.open(RESUME, resume) if resume else None
    if kept and kept["account"] in ("", me.id):  # somebody else's words are for nobody else
        return visit.resume(kept["path"], kept["values"])
    return visit.go(_back(form.get("retour")))


# ---------------------------------------------------------------------- the second factor


def _ask_code(visit: Visit, asked: dict[str, str]) -> Response:
    """The password was right: it waits, sealed, in this browser's page alone, for the code."""
    until = (clock.now() + CODE_WITHIN).timestamp()
    sealed = visit.site.settings.seal.close(PROOF, asked | {"csrf": visit.session.csrf, "until": until})
    following, resume = _back(visit.form.get("retour")), visit.form.get(RESUME)
    return visit.page("account/code.html", following=following, resume=resume, proof=sealed)


async def show_code(visit: Visit) -> Response:
    return visit.go("/connexion")


async def give_code(visit: Visit) -> Response:
    form = visit.form
    proof = visit.site.settings.seal.open(PROOF, form.get(PROOF)) or {"csrf": "", "until": 0}
    if proof["csrf"] != visit.session.csrf or proof["until"] < clock.now().timestamp():
        form.refuse("", TOO_LATE)
        return _sign_in_again(visit)
    asked = {"login": proof["login"], "password": proof["password"]}
    code = "".join(form.get("otp").split())
    if not form.require(otp="Indiquez le code affiché par votre application."):
        return _ask_code(visit, asked)
    try:
        return await _signed_in(visit, asked | {"otp": code})
    except Refused as refused:
        if refused.status not in (401, 422):
            raise
        form.refuse("otp", WRONG_CODE)
        return _ask_code(visit, asked)


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
    route("/connexion/code", show_code, give_code, public=True),
    route("/deconnexion", send=sign_out, public=True),
]
