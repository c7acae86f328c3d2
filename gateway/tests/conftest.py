"""The gateway and a service of the test's own, both really listening."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from gateway.main import configuration
from gateway.settings import Settings

from tests.security.wire import Ear, exchange, listening

Wire = Callable[..., Awaitable[bytes]]


HEARD = web.AppKey("heard", list[str])


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    request.app[HEARD].append(request.raw_path)
    headers = [[name, value] for name, value in request.headers.items()]
    answer = {"method": request.method, "url": request.raw_path, "headers": headers, "size": len(body)}
    return web.json_response(answer, status=207, headers={"X-Answer": "kept"})


async def broken(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def openapi(_: web.Request) -> web.Response:
    schema = {"$ref": "#/components/schemas/Thing"}
    operation = {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}
    return web.json_response({"paths": {"/v1/things": {"get": operation}}, "components": {"schemas": {"Thing": {}}}})


@pytest.fixture
def heard() -> list[str]:
    """The paths that have reached the service."""
    return []


@pytest.fixture
async def upstream(heard: list[str]) -> AsyncIterator[str]:
    app = web.Application(client_max_size=20_000_000)
    app[HEARD] = heard
    app.router.add_get("/v1/openapi.json", openapi)
    app.router.add_route("*", "/v1/broken", broken)
    app.router.add_route("*", "/{tail:.*}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def client(upstream: str, request: pytest.FixtureRequest) -> AsyncIterator[aiohttp.ClientSession]:
    """Of a gateway with such settings as the test says."""
    upstreams = {"dossier": upstream, "billing": "http://127.0.0.1:9"}
    settings = Settings(port=0, upstreams=upstreams, **getattr(request, "param", {}))
    server = uvicorn.Server(configuration(settings))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}") as opened:
        yield opened
    await server.shutdown()


@pytest.fixture
def wire(client: aiohttp.ClientSession) -> Wire:
    """Bytes sent to the gateway as they are, and all that it answers until it closes; `hang_up` ends our side first."""

    async def send(sent: bytes, *, hang_up: bool = False) -> bytes:
        async with client.get("/healthz") as answer:
            return await exchange(answer.url.port or 0, sent, hang_up=hang_up)

    return send


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    async with listening() as opened:
        yield opened
