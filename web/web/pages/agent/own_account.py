"""One's own second factor: another application by a QR code, ten new recovery codes."""

from typing import Any

import segno
from markupsafe import Markup
from starlette.responses import Response

from web.answers.identity import RecoveryCodes, TotpOffered
from web.refusals import Refused
from web.roles import DESK
from web.visits import Visit, route

PATH = "/agent/compte"
TOTP, CODES = "/identity/v1/me/totp", "/identity/v1/me/recovery-codes"
#: What was offered, in the form.
OFFER = "offre"
NEEDED = {"password": "Indiquez votre mot de passe.", "otp": "Indiquez le code affiché par l'application."}


def _page(visit: Visit, **shown: Any) -> Response:
    return visit.page("agent/own_account.html", **{"offered": None, "sealed": "", "image": "", "codes": [], **shown})


async def show(visit: Visit) -> Response:
    return _page(visit)


def _proof(visit: Visit) -> dict[str, str]:
    return {"password": visit.form.get("password"), "otp": "".join(visit.form.get("otp").split())}


async def offer(visit: Visit) -> Response:
    """Shown at once, not by another address: the secret is told this once."""
    if visit.form.require(**NEEDED):
        try:
            return _offered(visit, await visit.api.post(TotpOffered, TOTP, _proof(visit)))
        except Refused as refused:
            _refused(visit, refused)
    return _page(visit)


def _offered(visit: Visit, offered: TotpOffered) -> Response:
    image = segno.make(offered.uri, micro=False).svg_inline(scale=5, svgclass=None, lineclass=None)
    content = {"secret": offered.secret, "uri": offered.uri, "account": visit.session.account}
    sealed = visit.site.settings.seal.close(OFFER, content)
    return _page(visit, offered=offered, sealed=sealed, image=Markup(image))  # noqa: S704 # ours


async def enrol(visit: Visit) -> Response:
    """The first code of the new application, whose secret travels sealed, so that a wrong one may be corrected."""
    content = visit.site.settings.seal.open(OFFER, visit.form.get(OFFER))
    if content is None or content["account"] != visit.session.account:
        return visit.go(PATH)
    offered = TotpOffered.model_validate(content)
    if visit.form.require(code=NEEDED["otp"]):
        try:
            said = await visit.api.call("PUT", TOTP, {"otp": "".join(visit.form.get("code").split())})
            return _page(visit, codes=RecoveryCodes.model_validate_json(said).recovery_codes)
        except Refused as refused:
            _refused(visit, refused, {"otp": "code"})
    return _offered(visit, offered)


async def renew(visit: Visit) -> Response:
    if visit.form.require(**NEEDED):
        try:
            codes = (await visit.api.post(RecoveryCodes, CODES, _proof(visit))).recovery_codes
            return _page(visit, codes=codes)
        except Refused as refused:
            _refused(visit, refused)
    return _page(visit)


def _refused(visit: Visit, refused: Refused, instead: dict[str, str] | None = None) -> None:
    if refused.status not in (409, 422):
        raise refused
    visit.form.refused(refused, ("password", "otp", "code"), instead)


async def prove(visit: Visit) -> Response:
    """One form, two buttons: another application, or new codes."""
    return await (renew if visit.form.get("faire") == "codes" else offer)(visit)


ROUTES = [
    route(PATH, show, prove, roles=DESK),
    route(f"{PATH}/application", send=enrol, roles=DESK),
]
