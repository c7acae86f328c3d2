"""One request of one browser, from its cookie to the page it is given; and how a page becomes a route."""

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import aiohttp
from chassis.listening import client_address
from chassis.logs import enter_trace
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from web import csrf
from web.answers.dossier import Dossier
from web.api import Api, Call, waited
from web.forms import ONCE, Form
from web.refusals import Forged, ForOthers, NotFound, Refused, SignedOut
from web.rendering import DESK_RUBRICS, RUBRICS, render
from web.roles import AGENTS, FAMILIES
from web.session import NAME, Session, drop, keep
from web.settings import Settings

#: What the page offers of a form that could not be taken: sealed until its sender has signed in again.
RESUME = "suite"
#: Where an agent has a family's pages.
ACTING = "/agent/dossiers/{dossier_id}/famille"
#: The input of why a rule is passed over.
REASON = "motif"
#: The first step of a sign-in, sealed until its code is given.
PROOF = "preuve"
#: What has a page of its own; every other refusal is one of these.
SAID = (403, 404, 409, 410, 413, 429, 503)
#: Never written into a page again.
SECRETS = {"password", "new_password", "otp", PROOF, csrf.FIELD}
FOR_FAMILIES = "Cette page est celle des familles : cherchez la famille depuis votre accueil."
FOR_THE_DESK = "Cette page est réservée aux agents de la commune."
FOR_COLLEAGUES = "Cette page ne fait pas partie de vos attributions : adressez-vous à un administrateur."


@dataclass
class Site:
    """What all requests share."""

    settings: Settings
    templates: Environment
    client: aiohttp.ClientSession


@dataclass
class Visit:
    """`acting` is the dossier for which an agent acts, said by the page's address; empty for a family and elsewhere."""

    site: Site
    request: Request
    session: Session
    form: Form = field(default_factory=Form)
    token_shown: bool = False
    forgotten: bool = False
    acting: str = ""
    known: Dossier | None = None
    calls: list[Call] = field(default_factory=list)

    @property
    def api(self) -> Api:
        return Api(self.site.client, self.session, client_address(self.request), self.calls)

    @property
    def token(self) -> str:
        """The session's secret, for a form; the browser must then have the session."""
        self.token_shown = True
        return self.session.csrf

    @property
    def once(self) -> str:
        """The idempotency key of the form, shown or sent; a new one where it has none that could be ours."""
        sent = self.form.get(ONCE)
        return sent if re.fullmatch("[A-Za-z0-9_-]{8,64}", sent) else secrets.token_urlsafe(16)

    def once_for(self, what: str) -> str:
        """A key of its own for a second call of the same form."""
        return f"{self.once[:50]}-{what}"

    def path(self, name: str) -> str:
        """A parameter of the path, safe in a path of the API. Raises NotFound for what could lead elsewhere."""
        return self.safe(str(self.request.path_params[name]))

    @staticmethod
    def safe(said: str) -> str:
        """An id that a browser said, if it can stand in a path of the API. Raises NotFound."""
        if not re.fullmatch("[A-Za-z0-9_-]{1,200}", said):
            raise NotFound
        return said

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "")

    def page(self, template: str, status: int | None = None, **context: Any) -> Response:
        """The page; 422 when its form has errors, if nothing else is said."""
        text = render(self.site.templates, template, visit=self, form=self.form, **context)
        return HTMLResponse(text, status or (422 if self.form.errors else 200))

    def go(self, path: str) -> Response:
        """After a form: the browser gets that page; a family's own, for whom an agent acts for it."""
        return RedirectResponse(self.base + path, 303)

    # ------------------------------------------------------------------ whose things

    @property
    def base(self) -> str:
        """What stands before the address of a family's page, in links and forms."""
        return ACTING.format(dossier_id=self.acting) if self.acting else ""

    @property
    def family(self) -> dict[str, str]:
        """What a call says of whose things it is about: nothing, of a family's own."""
        return {"dossier_id": self.acting} if self.acting else {}

    @property
    def bypass(self) -> dict[str, str]:
        """What a call says where an agent passes over a rule: their reason."""
        reason = self.form.get(REASON).strip()
        return {"override_reason": reason} if self.acting and reason else {}

    @property
    def whose(self) -> str:
        """For whom something is sealed: this account, and the family for which it acts."""
        return f"{self.session.account}:{self.acting}"

    async def dossier(self) -> Dossier:
        """The family's, asked for once. Raises Refused."""
        if self.known is None:
            self.known = await self.api.get(Dossier, f"/dossier/v1/dossiers/{self.acting or 'mine'}")
        return self.known

    @property
    def rubrics(self) -> list[tuple[str, str]]:
        """Where the pages' head leads whoever is signed in."""
        if self.session.at_desk:
            return [(path, name) for path, name, roles in DESK_RUBRICS if self.session.role in roles]
        return RUBRICS

    # ------------------------------------------------------------------ who may not go on

    def admit(self, roles: Sequence[str]) -> None:
        """Raises SignedOut, or ForOthers where these pages are not theirs."""
        if not self.session.signed_in:
            raise SignedOut
        if self.session.role not in roles:
            theirs = FOR_COLLEAGUES if self.session.at_desk else FOR_THE_DESK
            raise ForOthers(FOR_FAMILIES if tuple(roles) == FAMILIES else theirs)

    def check(self) -> None:
        """Raises Forged for a form that another site sent."""
        if not csrf.is_ours(self.request.headers, self.site.settings.origin):
            raise Forged

    @property
    def token_is_right(self) -> bool:
        return csrf.matches(self.form.get(csrf.FIELD), self.session.csrf)

    def sign_in_first(self) -> Response:
        """The way to the sign-in page and back here; a form is kept meanwhile, sealed, in the page itself."""
        if self.request.method == "POST":
            content = {
                "path": self.request.url.path,
                "values": self.kept(self.form.values),
                "account": self.session.account,
            }
            sealed = self.site.settings.seal.close(RESUME, content)
            return self.page("account/sign_in.html", 401, resume=sealed, following="", said=None)
        query = f"?{self.request.url.query}" if self.request.url.query else ""
        return RedirectResponse(f"/connexion?{urlencode({'retour': self.request.url.path + query})}", 303)

    def resume(self, path: str, values: dict[str, list[str]], status: int = 200) -> Response:
        """The page that offers to send a form once more, now that it can be taken."""
        return self.page("account/resume.html", status, path=path, values=self.kept(values))

    @staticmethod
    def kept(values: dict[str, list[str]]) -> dict[str, list[str]]:
        """What may be written into a page, to be sent again."""
        return {name: some for name, some in values.items() if name not in SECRETS}

    def refusal(self, refused: Refused) -> Response:
        """The page of an error that no form shows."""
        if 400 <= refused.status < 500 and refused.status not in SAID:
            refused = NotFound()  # the address, or a hidden input, names what cannot be
        status = refused.status if refused.status in SAID else 503
        # What was sent when the service did not answer can be sent again, under the same key: nothing is done twice.
        again = (
            status in (429, 503)
            and self.request.method == "POST"
            and not SECRETS - {csrf.FIELD} & self.form.values.keys()
        )
        values = self.kept(self.form.values) if again else {}
        response = self.page("errors/refused.html", status, refused=refused, kind=status, again=values)
        if refused.retry_after_s is not None:
            response.headers["Retry-After"] = str(refused.retry_after_s)
        return response


Handler = Callable[[Visit], Awaitable[Response]]


def route(
    path: str,
    show: Handler | None = None,
    send: Handler | None = None,
    *,
    public: bool = False,
    roles: Sequence[str] = FAMILIES,
    file: bool = False,
) -> "Page":
    """A page: what shows it, and what takes its form, which may have a `file`. One that is not `public` is for who is
    signed in in `roles`.
    """

    async def answer(visit: Visit) -> Response:
        if visit.request.method != "POST":
            if not public:
                visit.admit(roles)
            return await show(visit) if show else await _not_found(visit)
        visit.form = await (Form.read_with_file if file else Form.read)(visit.request)
        try:
            return await taken(visit)
        finally:
            await visit.form.close()

    async def taken(visit: Visit) -> Response:
        visit.check()
        if not public:
            visit.admit(roles)
        if not visit.token_is_right:
            if visit.form.get("reprise"):
                raise Forged  # asked twice: this browser keeps no cookie
            return visit.resume(visit.request.url.path, visit.form.values, 403)
        return await send(visit) if send else await _not_found(visit)

    async def endpoint(request: Request) -> Response:
        return await serve(request, answer)

    methods = [*(["GET"] if show else []), *(["POST"] if send else [])]
    return Page(path, endpoint, methods=methods, show=show, send=send, file=file)


class Page(Route):
    """A route that remembers what shows it and what takes its form."""

    def __init__(self, *args: Any, show: Handler | None, send: Handler | None, file: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        self.show, self.send, self.file = show, send, file


def acting(page: Page) -> Page:
    """A family's page for the agent who acts for it: the dossier is in its address, and named above the page."""

    def of(handler: Handler | None) -> Handler | None:
        async def handled(visit: Visit) -> Response:
            assert handler  # noqa: S101 # as below
            visit.acting = visit.path("dossier_id")
            await visit.dossier()
            return await handler(visit)

        return handled if handler else None

    return route(ACTING + page.path, of(page.show), of(page.send), roles=AGENTS, file=page.file)


async def serve(request: Request, answer: Handler) -> Response:
    """One visit, from its cookie to its cookie; the answer says how long its calls took, and the page beyond them."""
    began = monotonic()
    enter_trace(request.headers.get("traceparent"))
    site: Site = request.app.state.site
    known = Session.read(request, site.settings.seal)
    visit = Visit(site, request, known or Session())
    before = asdict(visit.session)
    try:
        response = await answer(visit)
    except SignedOut:
        response = visit.sign_in_first()
    except Refused as refused:
        response = visit.refusal(refused)
    # Set only when it changes: what is set needlessly may take from the browser what another tab was given.
    if visit.forgotten:
        drop(response, NAME)
    elif asdict(visit.session) != before or (visit.token_shown and known is None):
        keep(response, NAME, visit.session.sealed(site.settings.seal))
    api = waited(visit.calls)
    response.headers["Server-Timing"] = f"api;dur={1000 * api:.1f}, page;dur={1000 * (monotonic() - began - api):.1f}"
    return response


async def _not_found(visit: Visit) -> Response:
    raise NotFound
