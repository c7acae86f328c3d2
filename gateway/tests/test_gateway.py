"""The gateway against a service of the test's own, both really listening."""

from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO

import aiohttp
import pytest
from chassis import listening
from chassis.settings import read
from gateway.bodies import DOCUMENT, USUAL
from gateway.settings import Settings

Client = aiohttp.ClientSession


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


@pytest.mark.parametrize("client", [{"flood_limit": "5/minute", "trusted_proxies": "127.0.0.2"}], indirect=True)
async def test_the_pages_tell_each_browsers_address_and_are_believed_where_nobody_else_is(client: Client) -> None:
    """Families all come from the pages' address: each is counted by their own, which no stranger can take."""
    async with client.get("/healthz") as answer:
        url = answer.url.origin()

    async def calls(source: str, *forwarded: str) -> list[tuple[int, str]]:
        connector = aiohttp.TCPConnector(local_addr=(source, 0))
        answers = []
        async with aiohttp.ClientSession(url, connector=connector) as from_there:
            for address in forwarded:
                headers = {"X-Forwarded-For": address}
                async with from_there.get("/api/dossier/v1/things", headers=headers) as answer:
                    seen = dict((await answer.json()).get("headers", []))
                    answers.append((answer.status, seen.get("X-Forwarded-For", "")))
        return answers

    browsers = [f"203.0.113.{number}" for number in range(20)]
    assert await calls("127.0.0.2", *browsers) == [(207, one) for one in browsers]
    assert await calls("127.0.0.3", *browsers) == [(207, "127.0.0.3")] * 5 + [(429, "")] * 15
    # One browser's flood is its own, whatever it claims to have come through.
    assert await calls("127.0.0.2", *["198.51.100.7, 203.0.113.1"] * 5) == [(207, "203.0.113.1")] * 4 + [(429, "")]
    assert await calls("127.0.0.2", "198.51.100.7") == [(207, "198.51.100.7")]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/nowhere/v1/x",
        "/api/dossier/healthz",
        "/metrics",
        "/api/dossier/metrics",
        "/api/dossier/v2/x",
        "/api/dossier/v1",
    ],
)
async def test_what_leads_nowhere_is_a_404_problem(client: Client, path: str) -> None:
    async with client.get(path) as answer:
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"


async def test_a_service_that_is_away_gives_503_and_one_that_breaks_502(client: Client) -> None:
    async with client.get("/api/billing/v1/invoices") as away, client.post("/api/dossier/v1/broken") as cut:
        assert (away.status, cut.status) == (503, 502)
        assert away.headers["Retry-After"] == "2"
        assert (await cut.json())["type"] == "urn:problem:gateway:broken"


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", "/api/dossier/v1/dossiers/d/documents", DOCUMENT.size),
        ("POST", "/api/dossier/v1/imports", DOCUMENT.size),
        ("PUT", "/api/dossier/v1/dossiers/d/documents", USUAL.size),
        ("POST", "/api/dossier/v1/dossiers/d/documents/x", USUAL.size),
        ("POST", "/api/dossier/v1/x/dossiers/d/documents", USUAL.size),
        ("POST", "/api/dossier/v1/dossiers", USUAL.size),
    ],
)
async def test_a_document_alone_may_be_large_and_what_is_larger_is_refused_with_or_without_its_length(
    client: Client, heard: list[str], method: str, path: str, limit: int
) -> None:
    async def in_pieces(size: int) -> AsyncIterator[bytes]:
        for begun in range(0, size, 100_000):
            yield b"x" * min(100_000, size - begun)

    for body in (BytesIO(b"x" * limit), in_pieces(limit)):
        async with client.request(method, path, data=body) as answer:
            assert (answer.status, (await answer.json())["size"]) == (207, limit)
    heard.clear()
    async with client.request(method, path, data=in_pieces(limit + 1)) as answer:
        assert answer.status == 413
    async with client.request(method, path, data=BytesIO(b"x" * (limit + 1))) as answer:
        assert answer.status == 413
    assert heard == []


async def test_two_gigabytes_are_refused_before_any_of_them_is_read(
    wire: Callable[[bytes], Awaitable[bytes]], heard: list[str]
) -> None:
    line = b"POST /api/dossier/v1/dossiers/d/documents HTTP/1.1\r\n"
    head = line + b"Host: x\r\nConnection: close\r\nContent-Length: 2000000000\r\n\r\n"
    assert (await wire(head)).startswith(b"HTTP/1.1 413 ")
    assert heard == []


@pytest.mark.parametrize("client", [{"flood_limit": "5/minute"}], indirect=True)
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


@pytest.mark.parametrize("said", [None, "*", "ingress"])
def test_production_wants_the_ingress_said_before_it_starts(monkeypatch: pytest.MonkeyPatch, said: str | None) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("GATEWAY_PORT", "8000")
    monkeypatch.setenv("GATEWAY_UPSTREAMS", "{}")
    for possible in ("", "10.0.0.1", "10.0.0.0/8,::1"):  # empty is said too: there is none
        monkeypatch.setenv("GATEWAY_TRUSTED_PROXIES", possible)
        assert read(Settings).trusted_proxies == possible
    if said is None:
        monkeypatch.delenv("GATEWAY_TRUSTED_PROXIES")
    else:
        monkeypatch.setenv("GATEWAY_TRUSTED_PROXIES", said)
    with pytest.raises(SystemExit, match=r"^Set in the environment: GATEWAY_TRUSTED_PROXIES \(.*\)\.$"):
        read(Settings)


async def test_a_request_whose_head_does_not_end_is_closed(
    client: Client, wire: Callable[[bytes], Awaitable[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "HEAD_S", 0.2)
    assert await wire(b"GET /healthz HTTP/1.1\r\nHost: x\r\n") == b""
    async with client.get("/healthz") as answer:
        assert answer.status == 200
