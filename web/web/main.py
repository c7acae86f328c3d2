"""The application: every page's route, and what all requests share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import structlog
import uvicorn
from chassis import listening, towns
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from web import pages
from web.headers import Headers
from web.refusals import NotFound, Refused, Unavailable
from web.rendering import environment
from web.settings import Settings
from web.static import Static
from web.town import Town, logo
from web.visits import Site, Visit, serve

log = structlog.get_logger()

# Ours, below the gateway's, so that a connection is never reused at the moment its server closes it.
KEEP_ALIVE_S = 15.0
# Longer than an ingress keeps an idle connection to us (Caddy, two minutes).
DOOR_KEEPS_ALIVE_S = 180
ANSWER_S = 30.0


def create(settings: Settings) -> Starlette:
    """The application. Ends the process with one sentence where the town's description cannot be used."""
    try:
        description = towns.read(settings.town)
        # The whole file is checked where it is loaded: here the other parts' slices are not installed.
        town = Town.model_validate({name: description[name] for name in description.keys() & Town.model_fields.keys()})
        drawing = logo(settings.town, town.look)
    except (towns.TownError, ValueError, OSError) as error:
        raise SystemExit(f"WEB_TOWN: {error}") from None
    static = Static(town.look, drawing)
    templates = environment(town, static)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=KEEP_ALIVE_S,
            local_addr=(settings.calls_from, 0) if settings.calls_from else None,
        )
        timeout = aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=3)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(
            settings.gateway_url, connector=connector, timeout=timeout, cookie_jar=jar
        ) as client:
            app.state.site = Site(settings, templates, client)
            yield

    return Starlette(
        routes=[
            Route("/healthz", _health),
            Route("/static/{name}", static.serve),
            *pages.ROUTES,
        ],
        middleware=[Middleware(Headers, settings.payfip_origin)],
        exception_handlers={Refused: _refused, HTTPException: _http, Exception: _unexpected},
        lifespan=lifespan,
    )


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _refused(request: Request, error: Exception) -> Response:
    async def page(_: Visit) -> Response:
        raise error

    return await serve(request, page)


async def _http(request: Request, error: Exception) -> Response:
    """What the router found nothing for; a method that a page does not take is no page either."""
    return await _refused(request, NotFound())


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected_error", exc_info=error)
    return await _refused(request, Unavailable())


def configuration(settings: Settings) -> uvicorn.Config:
    """How the pages listen."""
    return listening.configuration(
        create(settings),
        trusted_proxies=settings.trusted_proxies,
        host=settings.host,
        port=settings.port,
        timeout_keep_alive=DOOR_KEEPS_ALIVE_S,
    )
