"""Passkeys: one's own, and signing in with one. The device answers the script alone; a form carries what it says."""

import json
from typing import Any

from starlette.responses import Response

from web.answers.identity import OwnPasskeys, PasskeyOptions
from web.pages.accounts import enter
from web.refusals import Refused
from web.roles import ANYBODY
from web.visits import Visit, route

PATH, SIGN_IN = "/compte/cles", "/connexion/cle"
API, SESSIONS = "/identity/v1/passkeys", "/identity/v1/sessions/passkey"
NOTHING = "Votre appareil n'a rien répondu : recommencez, avec JavaScript activé dans votre navigateur."


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, options: dict[str, Any] | None = None, name: str = "") -> Response:
    passkeys = await visit.api.get(OwnPasskeys, API)
    return visit.page("account/passkeys.html", passkeys=passkeys.items, options=options, name=name)


async def offer(visit: Visit) -> Response:
    """By the password (and the code, where there is a second factor): then the device is asked."""
    form = visit.form
    needed = {"nom": "Donnez-lui un nom.", "password": "Indiquez votre mot de passe."}
    if form.require(**needed):
        code = "".join(form.get("otp").split())
        try:
            proof = {"password": form.get("password")} | ({"otp": code} if code else {})
            offered = await visit.api.post(PasskeyOptions, f"{API}/options", proof)
            return await _page(visit, offered.public_key, form.get("nom").strip())
        except Refused as refused:
            _refused(visit, refused, ("password", "otp"))
    return await _page(visit)


async def register(visit: Visit) -> Response:
    credential = _credential(visit)
    if credential is not None:
        try:
            await visit.api.call("POST", API, {"name": visit.form.get("nom"), "credential": credential})
            return visit.go(f"{PATH}?ajoutee")
        except Refused as refused:
            _refused(visit, refused, ())
    return await _page(visit)


async def remove(visit: Visit) -> Response:
    """Gone already: that is what was wanted."""
    try:
        await visit.api.call("DELETE", f"{API}/{visit.safe(visit.form.get('retirer'))}")
    except Refused as refused:
        if refused.status != 404:
            raise
    return visit.go(f"{PATH}?retiree")


async def show_sign_in(visit: Visit) -> Response:
    options = await visit.api.public("POST", f"{SESSIONS}/options")
    asked = PasskeyOptions.model_validate(options).public_key
    return visit.page("account/passkey_sign_in.html", options=asked, following=visit.query("retour"))


async def sign_in(visit: Visit) -> Response:
    credential = _credential(visit)
    if credential is not None:
        try:
            return await enter(visit, await visit.api.public("POST", SESSIONS, {"credential": credential}))
        except Refused as refused:
            _refused(visit, refused, ())
    return await show_sign_in(visit)


def _credential(visit: Visit) -> dict[str, Any] | None:
    """What the device answered; none, which is said, where it is nothing of a device's."""
    try:
        said = json.loads(visit.form.get("credential"))
    except ValueError:
        said = None
    if isinstance(said, dict):
        return said
    visit.form.refuse("", NOTHING)
    return None


def _refused(visit: Visit, refused: Refused, names: tuple[str, ...]) -> None:
    if refused.status not in (401, 409, 422):
        raise refused
    visit.form.refused(refused, names)


ROUTES = [
    route(PATH, show, offer, roles=ANYBODY),
    route(f"{PATH}/ajout", send=register, roles=ANYBODY),
    route(f"{PATH}/retrait", send=remove, roles=ANYBODY),
    route(SIGN_IN, show_sign_in, sign_in, public=True),
]
