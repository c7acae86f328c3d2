"""Every spelling of a path, sent as bytes: the gateway forwards its own paths to its own services and nothing else."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from chassis.problems import NotFound
from gateway.proxy import within
from yarl import URL

from tests.security.wire import NONSENSE, SPELLINGS

Wire = Callable[[bytes], Awaitable[bytes]]


async def asked(wire: Wire, target: str, method: str = "GET", host: str = "portal") -> tuple[int, str, Any]:
    """Status, content type and JSON of the answer to a request for that very target."""
    head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = await wire(head.encode("latin-1"))
    lines, _, body = answer.decode().partition("\r\n\r\n")
    status, *headers = lines.split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in headers)
    return int(status.split(" ")[1]), fields.get("content-type", ""), json.loads(body)


@pytest.mark.parametrize("target", SPELLINGS)
async def test_a_path_spelled_otherwise_is_a_404_problem_and_reaches_nobody(
    wire: Wire, ear: Any, heard: list[str], target: str
) -> None:
    status, kind, problem = await asked(wire, target.replace("EAR", ear.address), host=ear.address)
    assert (status, kind, problem["type"]) == (404, "application/problem+json", "urn:problem:not-found")
    assert ear.heard == 0
    assert heard == []


@pytest.mark.parametrize("target", NONSENSE)
async def test_a_target_that_is_no_path_is_malformed(wire: Wire, ear: Any, heard: list[str], target: str) -> None:
    answer = await wire(f"GET {target.replace('EAR', ear.address)} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (ear.heard, heard) == (0, [])


async def test_nobody_is_connected_through_the_gateway(wire: Wire, ear: Any) -> None:
    answer = await wire(f"CONNECT {ear.address} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert ear.heard == 0


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ("/api/dossier/v1/things", "/v1/things"),
        ("/api/dossier/v1/@EAR/x", "/v1/@EAR/x"),
        ("/api/dossier/v1/a%2Fb", "/v1/a%2Fb"),
        ("/api/dossier/v1/things?next=http://EAR/../x", "/v1/things?next=http://EAR/../x"),
        ("/api/dossier/v1/things#@EAR", "/v1/things"),
        ("http://EAR/api/dossier/v1/things", "/v1/things"),  # as HTTP wants of every server; the host is not looked at
        ("http://u:p@EAR/api/dossier/v1/things", "/v1/things"),
    ],
)
async def test_our_own_paths_reach_their_service_as_they_are_spelled(
    wire: Wire, ear: Any, target: str, reached: str
) -> None:
    status, _, seen = await asked(wire, target.replace("EAR", ear.address), host=ear.address)
    assert (status, seen["url"]) == (207, reached.replace("EAR", ear.address))
    assert dict(seen["headers"])["Host"] != ear.address
    assert ear.heard == 0


@pytest.mark.parametrize(
    "path", ["/api/docs", "/api/docs/start.js", "/api/docs/swagger-ui.css", "/api/openapi.json", "/healthz"]
)
async def test_our_own_pages_are_only_read_and_as_what_they_say_they_are(
    client: aiohttp.ClientSession, path: str
) -> None:
    async with client.get(path) as answer:
        assert (answer.status, answer.headers.getall("X-Content-Type-Options")) == (200, ["nosniff"])
    async with client.post(path) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert answer.content_type == "application/problem+json"


async def test_the_documentation_page_runs_nothing_but_its_own(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/docs") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "<script>" not in await answer.text()
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_an_error_that_nobody_foresaw_is_a_problem_that_shows_nothing(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise KeyError("http://10.0.0.1:8001")

    monkeypatch.setattr("gateway.main.joined", fail)
    async with client.get("/api/openapi.json") as answer:
        assert (answer.status, answer.content_type) == (500, "application/problem+json")
        assert "10.0.0.1" not in await answer.text()


@pytest.mark.parametrize("path", ["@ear/x", ":x@ear/x", ".ear/x", "5/x"])
def test_an_address_built_for_another_host_or_port_goes_nowhere(path: str) -> None:
    upstream = URL("http://10.0.0.1:80")
    with pytest.raises(NotFound):
        within(upstream, path, "")
    assert within(upstream, f"/v1/{path}", "q=%2F").raw_path_qs == f"/v1/{path}?q=%2F"
