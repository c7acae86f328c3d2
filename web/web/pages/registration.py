"""« Inscrivez-vous », in five steps. What was typed is kept between them in a sealed cookie, until the link is sent.

Step 2 proves whose account it is; a refusal leads, on the same screen, to a request that an agent decides.
"""

from dataclasses import asdict, dataclass, fields
from typing import Self

from starlette.responses import Response
from starlette.routing import Route

from web.forms import FieldError
from web.pages.information import legal_text
from web.refusals import Refused
from web.session import cookies, keep
from web.visits import Visit, route

NAME = "__Host-inscription"
START, DOSSIER, TERMS, PRIVACY, CHECK = (
    "/inscrivez-vous",
    "/inscrivez-vous/dossier",
    "/inscrivez-vous/conditions",
    "/inscrivez-vous/confidentialite",
    "/inscrivez-vous/verification",
)
CODE = "/inscrivez-vous/code"
SENT, LINK, REQUEST = "/inscrivez-vous/lien-envoye", "/inscrivez-vous/lien", "/inscrivez-vous/rattachement"
#: Where what the last step was refused for is put right.
WHERE = {
    "last_name": START,
    "first_name": START,
    "username": START,
    "password": START,
    "email": DOSSIER,
    "dossier_claim": DOSSIER,
    "terms_version": TERMS,
    "privacy_version": PRIVACY,
}


@dataclass
class Draft:
    """What the steps have so far; `sent_to` once the link is on its way, alone."""

    last_name: str = ""
    first_name: str = ""
    email: str = ""
    username: str = ""
    password: str = ""
    dossier_number: str = ""
    dossier_claim: str = ""
    terms_version: str = ""
    privacy_version: str = ""
    sent_to: str = ""

    @classmethod
    def of(cls, visit: Visit) -> Self:
        content = visit.site.settings.seal.open(NAME, cookies(visit.request).get(NAME, "")) or {}
        known = {one.name for one in fields(cls)}
        return cls(**content) if content.keys() <= known else cls()

    def missing(self) -> str | None:
        """The first step that is still to be done before the last."""
        steps = {
            START: self.username,
            DOSSIER: self.dossier_claim,
            TERMS: self.terms_version,
            PRIVACY: self.privacy_version,
        }
        return next((path for path, done in steps.items() if not done), None)

    def kept(self, visit: Visit, response: Response) -> Response:
        keep(response, NAME, visit.site.settings.seal.close(NAME, asdict(self)))
        return response


# ---------------------------------------------------------------------- step 1: who, and with which password


async def show_start(visit: Visit) -> Response:
    draft = Draft.of(visit)
    if claim := visit.query("token"):  # an agent has accepted a link request: nothing more is to be proved
        draft = Draft(dossier_claim=claim)
        return draft.kept(visit, visit.go(START))
    return visit.page("registration/start.html", draft=draft)


async def take_start(visit: Visit) -> Response:
    draft, form = Draft.of(visit), visit.form
    typed = form.picked("last_name", "first_name", "email", "username") | {"password": form.get("password")}
    if not typed["password"] and draft.password:
        typed["password"] = draft.password  # chosen before, and never shown again
        form.values["password"] = [draft.password]
    form.require(
        last_name="Indiquez votre nom de famille.",
        first_name="Indiquez votre prénom.",
        email="Indiquez votre courriel.",
        username="Choisissez un nom d'utilisateur.",
        password="Choisissez un mot de passe.",  # noqa: S106 # what is said where there is none
    )
    try:
        await visit.api.public("POST", "/identity/v1/registrations/check", {k: v for k, v in typed.items() if v})
    except Refused as refused:
        if refused.status != 422:
            raise
        form.refused(refused, typed)
    if form.errors:
        return visit.page("registration/start.html", draft=draft)
    for name, value in typed.items():
        setattr(draft, name, value)
    draft.sent_to = ""
    return draft.kept(visit, visit.go(draft.missing() or CHECK))


# ---------------------------------------------------------------------- step 2: which dossier


async def show_dossier(visit: Visit) -> Response:
    draft = Draft.of(visit)
    if not draft.username:
        return visit.go(START)
    return visit.page("registration/dossier.html", draft=draft, refused=None)


async def take_dossier(visit: Visit) -> Response:
    draft, form = Draft.of(visit), visit.form
    if not draft.username:
        return visit.go(START)
    asked = form.picked("dossier_number", "last_name", "email")
    if not form.require(
        dossier_number="Indiquez votre numéro de dossier.",
        last_name="Indiquez votre nom de famille.",
        email="Indiquez votre courriel.",
    ):
        return visit.page("registration/dossier.html", draft=draft, refused=None)
    try:
        given = await visit.api.public("POST", "/identity/v1/claims", asked | {"first_name": draft.first_name})
    except Refused as refused:
        if refused.status not in (404, 409, 422):
            raise
        form.refused(refused, asked)
        return visit.page("registration/dossier.html", draft=draft, refused=refused)
    draft.dossier_number, draft.last_name, draft.email = asked.values()
    draft.dossier_claim = given["dossier_claim"]
    return draft.kept(visit, visit.go(draft.missing() or CHECK))


async def show_code(visit: Visit) -> Response:
    if not Draft.of(visit).username:
        return visit.go(START)
    return visit.page("registration/code.html", refused=None)


async def take_code(visit: Visit) -> Response:
    """The code of an invitation letter; the email is typed twice, for nobody else knows it."""
    draft, form = Draft.of(visit), visit.form
    if not draft.username:
        return visit.go(START)
    typed, refused = form.picked("code", "email"), None
    if form.require(code="Indiquez le code de votre courrier.", email="Indiquez votre courriel."):
        if typed["email"].casefold() != draft.email.strip().casefold():
            form.refuse("email", "Ce courriel n'est pas celui de l'étape 1 : vérifiez l'un et l'autre.")
        else:
            try:
                given = await visit.api.public("POST", "/identity/v1/claims/by-code", {"code": typed["code"]})
                draft.dossier_number, draft.dossier_claim = "", given["dossier_claim"]
                return draft.kept(visit, visit.go(draft.missing() or CHECK))
            except Refused as error:
                if error.status not in (404, 409, 422):
                    raise
                refused = error
                form.refused(error, typed)
    return visit.page("registration/code.html", refused=refused)


async def ask_link(visit: Visit) -> Response:
    """On the screen on which the dossier was not recognised."""
    draft, form = Draft.of(visit), visit.form
    asked = form.picked("dossier_number", "last_name", "first_name", "email")
    form.require(
        last_name="Indiquez votre nom de famille.",
        first_name="Indiquez votre prénom.",
        email="Indiquez votre courriel.",
    )
    if not form.errors:
        try:
            await visit.api.public("POST", "/identity/v1/link-requests", {k: v for k, v in asked.items() if v})
        except Refused as refused:
            if refused.status != 422:
                raise
            form.refused(refused, asked)
    if form.errors:
        return visit.page("registration/link_request.html", draft=draft)
    return visit.go(REQUEST)


async def show_link_asked(visit: Visit) -> Response:
    return visit.page("registration/link_asked.html")


# ---------------------------------------------------------------------- steps 3 and 4: read, then accepted


@dataclass(frozen=True)
class Reading:
    """A text of the law; `field` of the draft keeps the version that was accepted."""

    kind: str
    field: str
    path: str
    before: str
    step: int
    label: str
    button: str
    unticked: str


READINGS = (
    Reading(
        kind="terms",
        field="terms_version",
        path=TERMS,
        before=DOSSIER,
        step=3,
        label="J'ai lu et j'accepte les conditions générales d'utilisation",
        button="Étape suivante",
        unticked="Lisez les conditions générales d'utilisation, puis cochez la case pour les accepter.",
    ),
    Reading(
        kind="privacy",
        field="privacy_version",
        path=PRIVACY,
        before=TERMS,
        step=4,
        label="J'ai lu et j'accepte la politique de confidentialité de mes données personnelles",
        button="Accepter",
        unticked="Lisez la politique de confidentialité, puis cochez la case pour l'accepter.",
    ),
)


def _reading(reading: Reading) -> Route:
    async def show(visit: Visit) -> Response:
        draft = Draft.of(visit)
        if not draft.dossier_claim:
            return visit.go(draft.missing() or START)
        text = await legal_text(visit, reading.kind)
        accepted = getattr(draft, reading.field) == text.version
        return visit.page("registration/reading.html", reading=reading, legal=text, accepted=accepted)

    async def take(visit: Visit) -> Response:
        draft = Draft.of(visit)
        if not draft.dossier_claim:
            return visit.go(draft.missing() or START)
        if not visit.form.get("accepted"):
            visit.form.refuse("accepted", reading.unticked)
            return await show(visit)
        # The version that was shown: a newer one is to be read first, which the last step finds out.
        setattr(draft, reading.field, visit.form.get("version"))
        return draft.kept(visit, visit.go(draft.missing() or CHECK))

    return route(reading.path, show, take, public=True)


# ---------------------------------------------------------------------- step 5: verified, sent


async def show_check(visit: Visit) -> Response:
    draft = Draft.of(visit)
    if draft.sent_to:  # gone back to
        return visit.go(SENT)
    if step := draft.missing():
        return visit.go(step)
    return visit.page("registration/check.html", draft=draft)


async def register(visit: Visit) -> Response:
    draft, form = Draft.of(visit), visit.form
    if draft.sent_to:  # sent twice, or again after going back
        return visit.go(SENT)
    if step := draft.missing():
        return visit.go(step)
    asked = {name: value for name, value in asdict(draft).items() if name not in ("dossier_number", "sent_to")}
    try:
        await visit.api.public("POST", "/identity/v1/registrations", asked)
    except Refused as refused:
        if refused.status not in (409, 410, 422):
            raise
        form.refused(refused, WHERE.values(), WHERE)
        if refused.status == 410:
            form.errors = [FieldError(DOSSIER, refused.detail)]
            draft.dossier_claim = ""
        return draft.kept(visit, visit.page("registration/check.html", draft=draft))
    return Draft(sent_to=draft.email).kept(visit, visit.go(SENT))


# ---------------------------------------------------------------------- the link


async def show_sent(visit: Visit) -> Response:
    return visit.page(
        "registration/sent.html", email=Draft.of(visit).sent_to, again="encore" in visit.request.query_params
    )


async def show_link(visit: Visit) -> Response:
    return visit.page("registration/link.html")


async def resend(visit: Visit) -> Response:
    form = visit.form
    if not form.require(email="Indiquez votre courriel."):
        return visit.page("registration/link.html")
    asked = form.picked("email")
    try:
        await visit.api.public("POST", "/identity/v1/registrations/resend", asked)
    except Refused as refused:
        if refused.status != 422:
            raise
        form.refused(refused, asked)
        return visit.page("registration/link.html")
    return Draft(sent_to=asked["email"]).kept(visit, visit.go(f"{SENT}?encore"))


ROUTES = [
    route(START, show_start, take_start, public=True),
    route(DOSSIER, show_dossier, take_dossier, public=True),
    *map(_reading, READINGS),
    route(CHECK, show_check, register, public=True),
    route(CODE, show_code, take_code, public=True),
    route(REQUEST, show_link_asked, ask_link, public=True),
    route(SENT, show_sent, public=True),
    route(LINK, show_link, resend, public=True),
]
