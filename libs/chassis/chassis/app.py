"""The HTTP side of a service: its routes under one application, with health, problems, traces and a body limit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter
from typing import Literal

import structlog
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import broker, dead_letters_api, desk_api, export, logs, metrics, revoked
from chassis.bodies import limit_of
from chassis.database import Database
from chassis.law import refuse_tables_without_law
from chassis.openapi import describe
from chassis.policies import PUBLIC, refuse_routes_without_policy
from chassis.problems import TooLarge, answer_problems, unexpected
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.stopping import Stop
from chassis.supervision import keep_going
from chassis.tokens import Keys, Verifier
from chassis.trouble import said

log = structlog.get_logger()

#: On every answer; the second where the route says nothing else itself, since most of what is answered is personal.
_NO_SNIFF = (b"x-content-type-options", b"nosniff")
_NO_STORE = (b"cache-control", b"no-store")
Part = Literal["ok", "down"]


class Readiness(BaseModel):
    """Whether the process can serve. The broker's absence is told but keeps no request waiting: the outbox holds."""

    database: Part
    keys: Part
    broker: Part


class Edge:
    """Around everything: takes up the trace, limits the body, keeps answers out of caches, logs each request.

    It answers for what nobody foresaw.

    One line a request, with its route: never its path, headers or body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        request_id = logs.enter_trace(headers.get(b"traceparent", b"").decode("latin-1"))
        started, received = perf_counter(), 0
        status: int | None = None

        async def limited() -> Message:
            nonlocal received
            limit = limit_of(scope.get("endpoint"))  # known by now: nobody asks for the body before
            if received == 0 and int(headers.get(b"content-length", b"0") or 0) > limit:
                raise TooLarge
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise TooLarge
            return message

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = {name for name, _ in message["headers"]}
                added = [one for one in (_NO_SNIFF, _NO_STORE) if one[0] not in said]
                message["headers"] = [*message["headers"], *added, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, limited, answered)
        except Exception as error:
            if status is not None:
                raise  # half an answer has left: the server can only cut it off
            await unexpected(error).response()(scope, receive, answered)
        finally:
            route = getattr(scope.get("route"), "path", None)
            if route not in ("/healthz", "/readyz", "/metrics"):
                elapsed_ms = round((perf_counter() - started) * 1000, 1)
                scope["app"].state.requests.count(scope["method"], route, status, elapsed_ms / 1000)
                log.info("request", method=scope["method"], route=route, status=status, ms=elapsed_ms)


def create_app(service: Service, settings: ServiceSettings, database: Database, *, routes: bool = True) -> FastAPI:
    """The application of a service; without `routes`, health only (a worker's)."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        verifier = app.state.verifier
        look = partial(revoked.look, verifier) if routes else None
        for_ever = {"announcements": partial(database.announce, look), "keys": verifier.keys.refresh}
        background = [asyncio.create_task(keep_going(what, work, Stop())) for what, work in for_ever.items()]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)

    app = FastAPI(
        title=f"Espace Familles: {service.name}",
        version="1",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would tell the client this process's own address
        lifespan=lifespan,
    )
    stand_on(app, settings, database)
    answer_problems(app)
    app.add_middleware(Edge)

    @app.get("/healthz", dependencies=[PUBLIC], include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", dependencies=[PUBLIC], include_in_schema=False)
    async def readyz(request: Request, response: Response) -> Readiness:
        process = request.app.state
        state = Readiness(
            database=await _answers(process.database.ping()),
            keys="ok" if process.verifier.keys.set else "down",
            broker=await _answers(broker.ping(process.settings.amqp_url)),
        )
        # A process that only works from the queue is not ready without a broker; one that answers requests is.
        needed = (state.database, state.keys) if routes else (state.database, state.broker)
        response.status_code = 200 if set(needed) == {"ok"} else 503
        return state

    @app.get("/metrics", dependencies=[PUBLIC], include_in_schema=False)
    async def get_metrics(request: Request) -> Response:
        process = request.app.state
        text = await metrics.exposition(service.name, process.settings, process.database, process.requests)
        return Response(text, media_type=metrics.CONTENT_TYPE)

    plumbing = (
        dead_letters_api.router(service.name),
        desk_api.router(service.metadata),
        export.router(service.name, service.metadata, service.also_held),
    )
    for router in (*service.routers, *plumbing) if routes else ():
        app.include_router(router, prefix="/v1")
    refuse_routes_without_policy(app)
    refuse_tables_without_law(service.metadata)
    describe(app)
    return app


def stand_on(app: FastAPI, settings: ServiceSettings, database: Database) -> None:
    """Give the application what is its process's own."""
    app.state.settings, app.state.database = settings, database
    app.state.verifier = Verifier(Keys(settings.jwks_url), settings.token_issuer)
    app.state.requests = metrics.Requests()


async def _answers(ping: Awaitable[None]) -> Part:
    try:
        await ping
    except Exception as error:  # whatever it answers: that is what is told here
        log.warning("not_ready", error=said(error))
        return "down"
    return "ok"
