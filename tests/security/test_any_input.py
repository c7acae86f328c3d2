"""Whatever is sent to any operation, under any role, is answered without an error of the server's."""

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from chassis.service import Service
from chassis.testing import Databases, Signer

from deploy.local.prepare import services
from tests.security.any_input import ROLES, SAID, Request, answers, drawn, running, tokens_of

#: Of each operation; at length in `make lab`.
EXAMPLES = 2


@pytest.fixture(scope="module", params=services(), ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.param
    return found


async def test_whatever_is_sent_is_no_error_of_the_servers(
    service: Service, databases: Databases, signer: Signer, tmp_path: Path
) -> None:
    async with running(service, databases, signer, tmp_path) as (client, document, known):
        tokens = await tokens_of(databases, signer, known)
        statuses, faults = await answers(client, drawn(document, known, EXAMPLES), tokens)
    assert faults == []
    assert {200, 403, 404, 422} <= statuses.keys()  # some of it was meant, and some did not fit


async def test_an_error_is_named_unless_it_says_that_something_else_is_away() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), text=request.query.get("type", ""))

    app = web.Application()
    app.router.add_get("/{status}", answer)
    nothing: dict[str, str] = {}
    sent = [
        Request(path, ("agent",), "GET", path, query, nothing, None, "application/json")
        for path, query in (("/200", nothing), ("/500", nothing), ("/503", nothing), ("/503", {"type": SAID}))
    ]
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as client:
        statuses, faults = await answers(client, sent, dict.fromkeys(ROLES, "t"))
    assert statuses == {200: 2, 500: 2, 503: 4}
    assert [fault.partition(":")[0] for fault in faults] == [
        f"/{status} by {role}" for status in (500, 503) for role in ("agent", "guardian")
    ]
