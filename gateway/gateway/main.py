"""The gateway's application: a table of what each path prefix leads to."""

import json
from collections.abc import Awaitable, Callable
from typing import cast

import aiohttp
import uvicorn
from chassis.problems import NotFound, Problem
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from gateway.openapi import DOCS_PAGE, joined
from gateway.proxy import forward
from gateway.settings import Settings

# Ours, below every service's 60 s, so that a connection is never reused at the moment its server closes it.
KEEP_ALIVE_S = 30.0


class TooManyRequests(Problem):
    type = "urn:problem:gateway:too-many-requests"
    status = 429
    title = "Trop de demandes"
    detail = "Trop de demandes sont arrivées de votre connexion en peu de temps : attendez un instant, puis réessayez."


class Gateway:
    """A bare ASGI application: a framework here would cost most of the gateway's throughput."""

    def __init__(self, settings: Settings) -> None:
        self.upstreams = {name: url.rstrip("/") for name, url in settings.upstreams.items()}
        self.limit = parse(settings.flood_limit)
        self.flood = FixedWindowRateLimiter(MemoryStorage())
        self.docs = StaticFiles(packages=[("fastapi_offline", "static")])
        self.client: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        if scope["type"] != "http":
            return None
        try:
            return await (await self._answer(scope))(scope, receive, send)
        except Problem as problem:
            return await problem.response()(scope, receive, send)

    async def _answer(self, scope: Scope) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """What answers this request; raises the problem that refuses it."""
        path: str = scope["path"]
        if path == "/healthz":
            return JSONResponse({"status": "ok"})
        address = scope["client"][0] if scope["client"] else ""
        if not self.flood.hit(self.limit, address):
            raise TooManyRequests(retry_after_s=1)
        client = cast("aiohttp.ClientSession", self.client)
        parts = path.split("/", 4)
        if len(parts) == 5 and parts[1] == "api" and parts[2] in self.upstreams and parts[3] == "v1":
            upstream = self.upstreams[parts[2]]
            rest = cast("bytes", scope["raw_path"]).decode("latin-1")[len(f"/api/{parts[2]}") :]
            return lambda scope, receive, send: forward(client, upstream + rest, address, scope, receive, send)
        if path == "/api/openapi.json":
            return Response(json.dumps(await joined(client, self.upstreams)), media_type="application/json")
        if path == "/api/docs":
            return HTMLResponse(DOCS_PAGE)
        if path.startswith("/api/docs/"):
            scope["root_path"] = "/api/docs"
            return self.docs
        raise NotFound

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self.client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=60, sock_connect=3),
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.client.close()
        await send({"type": "lifespan.shutdown.complete"})


def configuration(settings: Settings) -> uvicorn.Config:
    """How the gateway listens."""
    return uvicorn.Config(
        Gateway(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=10,
    )
