"""The gateway's application: a table of what each path prefix leads to."""

import json
import re
from typing import cast

import aiohttp
import uvicorn
from chassis import listening
from chassis.problems import MethodNotAllowed, NotFound, Problem, unexpected
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from yarl import URL

from gateway.bodies import USUAL, allowed
from gateway.cors import Cors
from gateway.flood import Flood
from gateway.openapi import DOCS_FILES, DOCS_PAGE, DOCS_POLICY, DOCS_SCRIPT, joined
from gateway.proxy import UpstreamBroken, UpstreamTimeout, forward
from gateway.settings import Settings

# Ours, below every service's 60 s, so that a connection is never reused at the moment its server closes it.
KEEP_ALIVE_S = 30.0
# Longer than who stands before us keeps an idle connection: the pages 15 s, Caddy two minutes.
DOOR_KEEPS_ALIVE_S = 180

#: What somebody on the way might read as another path: no path of ours has it, even decoded.
_AMBIGUOUS = re.compile(r"\\|//|/\.\.?(/|;|$)|/$")


class TooManyRequests(Problem):
    type = "urn:problem:gateway:too-many-requests"
    status = 429
    title = "Trop de demandes"
    detail = "Trop de demandes sont arrivées de votre connexion en peu de temps : attendez un instant, puis réessayez."


#: What the gateway itself may answer to any call.
PROBLEMS = (TooManyRequests, UpstreamBroken, UpstreamTimeout)


class Gateway:
    """A bare ASGI application: a framework here would cost most of the gateway's throughput."""

    def __init__(self, settings: Settings) -> None:
        self.upstreams = {name: URL(url.rstrip("/")) for name, url in settings.upstreams.items()}
        self.flood = Flood(settings.flood_limit)
        self.cors = Cors(settings.cors_origins)
        self.pages: dict[str, ASGIApp] = {
            "/api/openapi.json": self._document,
            "/api/docs": HTMLResponse(DOCS_PAGE, headers={"Content-Security-Policy": DOCS_POLICY}),
            "/api/docs/start.js": Response(DOCS_SCRIPT, media_type="text/javascript"),
            **dict.fromkeys(DOCS_FILES, _files(StaticFiles(packages=[("fastapi_offline", "static")]))),
        }
        self.health = JSONResponse({"status": "ok"})
        self.client: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start" and (added := self.cors.headers(scope)):
                message["headers"] = [*message["headers"], *added]
            await send(message)

        try:
            await self._answer(scope, receive, answer)
        except Exception as error:
            if begun:
                raise  # half an answer has left: the server can only cut it off
            problem = error if isinstance(error, Problem) else unexpected(error)
            await problem.response()(scope, receive, answer)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises the problem that refuses the request. Only the path as it was sent decides where it goes."""
        path = cast("bytes", scope["raw_path"]).decode("latin-1")
        if path == "/healthz":
            await _read_only(self.health, scope, receive, send)
            return
        address = scope["client"][0] if scope["client"] else ""
        if not self.flood.allows(address):
            raise TooManyRequests(retry_after_s=1)
        if preflight := self.cors.preflight(scope):
            await preflight(scope, receive, send)
            return
        if path in self.pages:
            await _read_only(self.pages[path], scope, receive, send)
            return
        match path.split("/", 4):
            case ["", "api", service, "v1", rest] if service in self.upstreams and not _AMBIGUOUS.search(scope["path"]):
                client = cast("aiohttp.ClientSession", self.client)
                inside = f"/v1/{rest}"
                may = allowed(scope["method"], service, inside)
                await forward(client, self.upstreams[service], inside, address, may, scope, receive, send)
            case _:
                raise NotFound

    async def _document(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = cast("aiohttp.ClientSession", self.client)
        document = await joined(client, self.upstreams, *PROBLEMS)
        await Response(json.dumps(document), media_type="application/json")(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self.client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=USUAL.timeout,
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.client.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _read_only(page: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        raise MethodNotAllowed("GET", "HEAD")

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
        await send(message)

    await page(scope, receive, answer)


def _files(files: StaticFiles) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await files({**scope, "root_path": "/api/docs"}, receive, send)

    return serve


def configuration(settings: Settings) -> uvicorn.Config:
    """How the gateway listens."""
    return listening.configuration(
        Gateway(settings),
        trusted_proxies=settings.trusted_proxies,
        host=settings.host,
        port=settings.port,
        timeout_keep_alive=DOOR_KEEPS_ALIVE_S,
    )
