"""The gateway against a service of the test's own, both really listening."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import uvicorn
from aiohttp import web
from gateway.main import configuration
from gateway.proxy import BODY_LIMIT
from gateway.settings import Settings

Client = aiohttp.ClientSession


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
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
async def upstream() -> AsyncIterator[str]:
    app = web.Application(client_max_size=20_000_000)
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
async def client(upstream: str, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    settings = Settings(
        port=0,
        upstreams={"dossier": upstream, "billing": "http://127.0.0.1:9"},
        flood_limit=getattr(request, "param", "1000/second"),
    )
    server = uvicorn.Server(configuration(settings))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}") as opened:
        yield opened
    await server.shutdown()


async def test_a_call_reaches_its_service_as_it_was_made(client: Client) -> None:
    async with client.post("/api/dossier/v1/things/a%2Fb?q=%C3%A9&q=2", data=b"x" * 100_000) as answer:
        seen = await answer.json()
    assert (answer.status, answer.headers["X-Answer"]) == (207, "kept")
    assert (seen["method"], seen["url"], seen["size"]) == ("POST", "/v1/things/a%2Fb?q=%C3%A9&q=2", 100_000)


async def test_a_client_cannot_pretend_to_be_another_address(client: Client) -> None:
    forged = {
        "X-Forwarded-For": "10.0.0.1",
        "X-Real-IP": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "X-Forwarded-Host": "a",
    }
    async with client.get("/api/dossier/v1/things", headers=forged) as answer:
        headers = (await answer.json())["headers"]
    assert ["X-Forwarded-For", "127.0.0.1"] in headers
    assert "10.0.0.1" not in str(headers)
    assert "x-forwarded-host" not in {name.lower() for name, _ in headers}


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/nowhere/v1/x", "/api/dossier/healthz", "/api/dossier/v2/x", "/api/dossier/v1"]
)
async def test_what_leads_nowhere_is_a_404_problem(client: Client, path: str) -> None:
    async with client.get(path) as answer:
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"


async def test_dots_in_a_path_do_not_climb_out_of_the_api(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client._base_url.port)  # type: ignore[union-attr]
    writer.write(b"GET /api/dossier/v1/../healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert b'"url": "/v1/../healthz"' in answer  # handed on as it is: the service knows no such path


async def test_a_service_that_is_away_gives_503_and_one_that_breaks_502(client: Client) -> None:
    async with client.get("/api/billing/v1/invoices") as away, client.post("/api/dossier/v1/broken") as cut:
        assert (away.status, cut.status) == (503, 502)
        assert away.headers["Retry-After"] == "2"
        assert (await cut.json())["type"] == "urn:problem:gateway:broken"


async def test_a_body_over_the_limit_is_refused(client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 1_000_000 + 2):
            yield b"x" * 1_000_000

    async with client.post("/api/dossier/v1/documents", data=endless()) as answer:
        assert answer.status == 413


@pytest.mark.parametrize("client", ["5/minute"], indirect=True)
async def test_a_flood_from_one_address_is_told_to_wait(client: Client) -> None:
    statuses = []
    for _ in range(6):
        async with client.get("/api/dossier/v1/things") as answer:
            statuses.append(answer.status)
    assert statuses == [207] * 5 + [429]


async def test_documents_are_joined_under_the_public_paths_without_those_that_are_away(client: Client) -> None:
    async with client.get("/api/openapi.json") as answer:
        document = await answer.json()
    operation = document["paths"]["/api/dossier/v1/things"]["get"]
    assert operation["tags"] == ["dossier"]
    schema = operation["responses"]["200"]["content"]["application/json"]
    assert schema == {"schema": {"$ref": "#/components/schemas/dossier.Thing"}}
    assert "dossier.Thing" in document["components"]["schemas"]


async def test_the_documentation_page_and_its_files_are_served_from_here(client: Client) -> None:
    async with client.get("/api/docs") as page, client.get("/api/docs/swagger-ui-bundle.js") as script:
        assert (page.status, script.status) == (200, 200)
        assert "isOAS31" in await script.text()  # a viewer that knows what our documents are written in
