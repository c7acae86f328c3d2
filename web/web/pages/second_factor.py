"""One's own second factor: an application by a QR code, ten recovery codes. The staff must have one, families may."""

from typing import Any

import segno
from markupsafe import Markup
from starlette.responses import Response

from web.answers.identity import Me, RecoveryCodes, TotpOffered
from web.refusals import Refused
from web.roles import ANYBODY
from web.visits import Visit, route

PATH = "/compte/second-facteur"
ME, TOTP, CODES = "/identity/v1/me", "/identity/v1/me/totp", "/identity/v1/me/recovery-codes"
#: What was offered, in the form.
OFFER = "offre"
PASSWORD, CODE = "Indiquez votre mot de passe.", "Indiquez le code affiché par l'application."  # what is said


async def _page(visit: Visit, **shown: Any) -> Response:
    nothing: dict[str, Any] = {"me": None, "offered": None, "sealed": "", "image": "", "codes": []}
    if not shown:
        shown = {"me": await visit.api.get(Me, ME)}
    return visit.page("account/second_factor.html", **nothing | shown)


async def show(visit: Visit) -> Response:
    return await _page(visit)


def _proof(visit: Visit) -> dict[str, str]:
    code = "".join(visit.form.get("otp").split())
    return {"password": visit.form.get("password")} | ({"otp": code} if code else {})


async def offer(visit: Visit) -> Response:
    """Shown at once, not by another address: the secret is told this once."""
    return await _offered(visit, await visit.api.post(TotpOffered, TOTP, _proof(visit)))


async def _offered(visit: Visit, offered: TotpOffered) -> Response:
    image = segno.make(offered.uri, micro=False).svg_inline(scale=5, svgclass=None, lineclass=None)
    content = {"secret": offered.secret, "uri": offered.uri, "account": visit.session.account}
    sealed = visit.site.settings.seal.close(OFFER, content)
    return await _page(visit, offered=offered, sealed=sealed, image=Markup(image))  # noqa: S704 # ours


async def enrol(visit: Visit) -> Response:
    """The first code of the new application, whose secret travels sealed, so that a wrong one may be corrected."""
    content = visit.site.settings.seal.open(OFFER, visit.form.get(OFFER))
    if content is None or content["account"] != visit.session.account:
        return visit.go(PATH)
    offered = TotpOffered.model_validate(content)
    if visit.form.require(code=CODE):
        try:
            said = await visit.api.call("PUT", TOTP, {"otp": "".join(visit.form.get("code").split())})
            return await _page(visit, codes=RecoveryCodes.model_validate_json(said).recovery_codes)
        except Refused as refused:
            _refused(visit, refused, {"otp": "code"})
    return await _offered(visit, offered)


async def renew(visit: Visit) -> Response:
    return await _page(visit, codes=(await visit.api.post(RecoveryCodes, CODES, _proof(visit))).recovery_codes)


async def give_up(visit: Visit) -> Response:
    await visit.api.call("DELETE", TOTP, _proof(visit))
    return visit.go("/compte?sans-second-facteur")


async def prove(visit: Visit) -> Response:
    """One form, and a button for each thing that it proves: an application, new codes, none any more."""
    if visit.form.require(password=PASSWORD):
        try:
            return await {"codes": renew, "fin": give_up}.get(visit.form.get("faire"), offer)(visit)
        except Refused as refused:
            _refused(visit, refused)
    return await _page(visit)


def _refused(visit: Visit, refused: Refused, instead: dict[str, str] | None = None) -> None:
    if refused.status not in (409, 422):
        raise refused
    visit.form.refused(refused, ("password", "otp", "code"), instead)


ROUTES = [
    route(PATH, show, prove, roles=ANYBODY),
    route(f"{PATH}/application", send=enrol, roles=ANYBODY),
]
