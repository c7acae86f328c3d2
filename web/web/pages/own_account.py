"""« Mon compte », of families and staff: username, password, email, passkeys, connections, and closing it."""

from starlette.responses import Response

from web import session
from web.answers.identity import Me, OwnSessions
from web.refusals import Refused
from web.roles import ANYBODY
from web.visits import Visit, route

PATH = "/compte"
ME, SESSIONS = "/identity/v1/me", "/identity/v1/sessions"
#: What is said on coming back, by what was done.
DONE = {
    "nom": "Votre nom d'utilisateur est changé : c'est avec celui-ci que vous vous connecterez.",
    "mot-de-passe": "Votre mot de passe est changé ; vos autres connexions sont terminées.",
    "courriel": "Un lien a été envoyé à la nouvelle adresse : votre courriel change quand vous l'aurez suivi.",
    "sans-second-facteur": "Votre mot de passe seul est désormais demandé.",
}
PASSWORD = "Indiquez votre mot de passe actuel."  # noqa: S105 # what is said where there is none
NEW_PASSWORD = "Choisissez un nouveau mot de passe."  # noqa: S105 # as above


async def show(visit: Visit) -> Response:
    me = await visit.api.get(Me, ME)
    done = next((sentence for name, sentence in DONE.items() if name in visit.request.query_params), None)
    return visit.page("account/own_account.html", me=me, done=done)


async def show_password(visit: Visit) -> Response:
    return visit.page("account/password.html")


async def change_password(visit: Visit) -> Response:
    form = visit.form
    if form.require(password=PASSWORD, new_password=NEW_PASSWORD):
        asked = {name: form.get(name) for name in ("password", "new_password")}
        if await _asked(visit, "PUT", f"{ME}/password", asked):
            return visit.go(f"{PATH}?mot-de-passe")
    return await show_password(visit)


async def show_username(visit: Visit) -> Response:
    return visit.page("account/username.html", me=await visit.api.get(Me, ME))


async def change_username(visit: Visit) -> Response:
    form = visit.form
    if form.require(username="Indiquez le nouveau nom d'utilisateur.", password=PASSWORD):
        asked = {"username": form.get("username").strip(), "password": form.get("password")}
        if await _asked(visit, "PATCH", ME, asked):
            return visit.go(f"{PATH}?nom")
    return await show_username(visit)


async def show_email(visit: Visit) -> Response:
    return visit.page("account/email.html", me=await visit.api.get(Me, ME))


async def change_email(visit: Visit) -> Response:
    form = visit.form
    if form.require(email="Indiquez la nouvelle adresse.", password=PASSWORD):
        asked = {"email": form.get("email").strip(), "password": form.get("password")}
        if await _asked(visit, "PUT", f"{ME}/email", asked):
            return visit.go(f"{PATH}?courriel")
    return await show_email(visit)


async def show_sessions(visit: Visit) -> Response:
    found = await visit.api.get(OwnSessions, SESSIONS)
    return visit.page("account/sessions.html", sessions=found.items, done="connexion" in visit.request.query_params)


async def end_session(visit: Visit) -> Response:
    """Ended already: that is what was wanted."""
    try:
        await visit.api.call("DELETE", f"{SESSIONS}/{visit.safe(visit.form.get('connexion'))}")
    except Refused as refused:
        if refused.status != 404:
            raise
    return visit.go(f"{PATH}/connexions?connexion")


async def show_closing(visit: Visit) -> Response:
    return visit.page("account/closing.html")


async def close(visit: Visit) -> Response:
    if visit.form.require(password=PASSWORD) and await _asked(
        visit, "DELETE", ME, {"password": visit.form.get("password")}
    ):
        visit.session, visit.forgotten = session.Session(), True
        return visit.go("/connexion?ferme")
    return await show_closing(visit)


async def _asked(visit: Visit, method: str, path: str, body: dict[str, str]) -> bool:
    """Whether it was done; what was refused is in the form."""
    try:
        await visit.api.call(method, path, body)
    except Refused as refused:
        if refused.status not in (401, 409, 422):
            raise
        visit.form.refused(refused, body)
        return False
    return True


ROUTES = [
    route(PATH, show, roles=ANYBODY),
    route(f"{PATH}/nom", show_username, change_username, roles=ANYBODY),
    route(f"{PATH}/mot-de-passe", show_password, change_password, roles=ANYBODY),
    route(f"{PATH}/courriel", show_email, change_email, roles=ANYBODY),
    route(f"{PATH}/connexions", show_sessions, end_session, roles=ANYBODY),
    route(f"{PATH}/fermeture", show_closing, close),
]
