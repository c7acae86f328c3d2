"""What the links of identity's mails lead to: an account activated or taken, a password replaced, an email confirmed.

A link is only read when it is followed: programs that look into mails open it too, and must not use it up.
"""

import re
from typing import Any

import segno
from markupsafe import Markup
from starlette.responses import Response

from web.answers.identity import Invitation, RecoveryCodes, Reset
from web.refusals import Refused
from web.visits import Visit, route


def _secret(said: str) -> str:
    """As it may stand in a path; empty for what is none of ours."""
    return said if re.fullmatch("[A-Za-z0-9_-]{1,200}", said) else ""


# ---------------------------------------------------------------------- activation


async def show_activation(visit: Visit) -> Response:
    return visit.page("links/activation.html", token=visit.query("token"), gone=None, other=False)


async def activate(visit: Visit) -> Response:
    form, token = visit.form, visit.form.get("token")
    other = "new_password" in form.values
    if other:
        form.require(new_password="Choisissez un mot de passe.")  # noqa: S106 # what is said where there is none
        asked = form.picked("username") | {"new_password": form.get("new_password")}
    else:
        form.require(password="Indiquez le mot de passe choisi lors de l'inscription.")  # noqa: S106 # as above
        asked = {"password": form.get("password")}
    gone = None
    if not form.errors:
        try:
            await visit.api.public(
                "POST", "/identity/v1/activations", {"token": token} | {k: v for k, v in asked.items() if v}
            )
            return visit.go("/connexion?active")
        except Refused as refused:
            if refused.status not in (401, 409, 410, 422):
                raise
            if refused.status == 401:
                form.refuse("password", refused.detail)
            else:
                form.refused(refused, asked)
            gone = refused if refused.status == 410 or not token else None
    return visit.page("links/activation.html", token=token, gone=gone, other=other)


# ---------------------------------------------------------------------- a lost password


async def show_password(visit: Visit) -> Response:
    if token := visit.query("token"):
        return await _choose(visit, token)
    return visit.page("links/lost_password.html", sent="envoye" in visit.request.query_params)


async def _choose(visit: Visit, token: str) -> Response:
    """The page of that link, or the one that asks for another."""
    try:
        if not _secret(token):
            raise Refused(410, detail="Ce lien n'est pas complet : copiez-le en entier, ou demandez-en un nouveau.")
        reset = Reset.model_validate(await visit.api.public("GET", f"/identity/v1/password-resets/{token}"))
    except Refused as refused:
        if refused.status not in (404, 410):
            raise
        visit.form.errors.clear()
        visit.form.refuse("", refused.detail)
        return visit.page("links/lost_password.html", 410, sent=False)
    return visit.page("links/new_password.html", token=token, reset=reset)


async def take_password(visit: Visit) -> Response:
    """The email of who lost a password, or the new one."""
    form = visit.form
    if token := form.get("token"):
        if form.require(new_password="Choisissez un mot de passe.") and _secret(token):  # noqa: S106 # as above
            asked = {"new_password": form.get("new_password")}
            try:
                await visit.api.public("PUT", f"/identity/v1/password-resets/{token}", asked)
                return visit.go("/connexion?change")
            except Refused as refused:
                if refused.status not in (410, 422):
                    raise
                form.refused(refused, asked)
        return await _choose(visit, token)
    if form.require(email="Indiquez votre courriel."):
        asked = form.picked("email")
        try:
            await visit.api.public("POST", "/identity/v1/password-resets", asked)
            return visit.go("/mot-de-passe?envoye")
        except Refused as refused:
            if refused.status != 422:
                raise
            form.refused(refused, asked)
    return visit.page("links/lost_password.html", sent=False)


# ---------------------------------------------------------------------- another email


async def show_email(visit: Visit) -> Response:
    confirmed = "confirme" in visit.request.query_params
    return visit.page("links/email.html", token=visit.query("token"), confirmed=confirmed)


async def confirm_email(visit: Visit) -> Response:
    try:
        await visit.api.public("POST", "/identity/v1/email-confirmations", {"token": visit.form.get("token")})
        return visit.go("/courriel?confirme")
    except Refused as refused:
        if refused.status not in (410, 422):
            raise
        visit.form.refuse("", refused.detail)
    return visit.page("links/email.html", 410, token="", confirmed=False)


# ---------------------------------------------------------------------- an account of the staff


async def show_invitation(visit: Visit) -> Response:
    return await _invited(visit, visit.query("token"))


async def _invited(visit: Visit, token: str) -> Response:
    """The page of that link, or that it leads nowhere."""
    shown: dict[str, Any] = {"token": token, "invitation": None, "image": "", "codes": []}
    if not _secret(token):
        return visit.page("links/staff.html", 410, **shown)
    try:
        found = Invitation.model_validate(await visit.api.public("GET", f"/identity/v1/staff-invitations/{token}"))
    except Refused as refused:
        if refused.status not in (404, 410):
            raise
        visit.form.errors.clear()
        visit.form.refuse("", refused.detail)
        return visit.page("links/staff.html", 410, **shown)
    image = segno.make(found.uri, micro=False).svg_inline(scale=5, svgclass=None, lineclass=None)
    return visit.page("links/staff.html", **shown | {"invitation": found, "image": Markup(image)})  # noqa: S704 # ours


async def take_invitation(visit: Visit) -> Response:
    """Shown at once, not by another address: the recovery codes are told this once."""
    form, token = visit.form, visit.form.get("token")
    said = {"new_password": "Choisissez un mot de passe.", "otp": "Indiquez le code affiché par l'application."}
    if form.require(**said) and _secret(token):
        asked = {"new_password": form.get("new_password"), "otp": form.get("otp").replace(" ", "")}
        try:
            answer = await visit.api.public("PUT", f"/identity/v1/staff-invitations/{token}", asked)
            codes = RecoveryCodes.model_validate(answer).recovery_codes
            return visit.page("links/staff.html", token="", invitation=None, image="", codes=codes)
        except Refused as refused:
            if refused.status not in (410, 422):
                raise
            form.refused(refused, asked)
    return await _invited(visit, token)


ROUTES = [
    route("/activation", show_activation, activate, public=True),
    route("/mot-de-passe", show_password, take_password, public=True),
    route("/courriel", show_email, confirm_email, public=True),
    route("/agent/activation", show_invitation, take_invitation, public=True),
]
