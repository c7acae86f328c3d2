"""Requests to a service that really listens: transactions, idempotency keys and problem documents."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from io import BytesIO
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from chassis.app import create_app
from chassis.bodies import BODY_LIMIT
from chassis.database import Database
from chassis.idempotency import Once
from chassis.policies import PUBLIC
from chassis.problems import NotFound, problems
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing import Databases, Signer, serving
from fastapi import APIRouter, Response
from sqlalchemy import MetaData
from structlog.testing import capture_logs

from deploy.servers.ports import reserved
from libs.chassis.tests.jwks import jwks
from libs.chassis.tests.processes import Processes, environment
from libs.chassis.tests.proxy import proxy
from libs.chassis.tests.tables import Gate, Rows
from libs.chassis.tests.toy.toy.main import SERVICE, Notice
from libs.chassis.tests.waiting import until

PROBLEM = "application/problem+json"


@pytest.fixture
def headers(signer: Signer) -> dict[str, str]:
    """A guardian's, with a key of their own."""
    return {"Authorization": f"Bearer {signer.token()}", "Idempotency-Key": str(uuid4())}


async def test_the_same_request_fifty_times_at_once_has_one_effect(
    client: aiohttp.ClientSession, headers: dict[str, str], rows: Rows
) -> None:
    async def post() -> tuple[int, bytes]:
        async with client.post("/v1/things", json={"name": "table"}, headers=headers) as answer:
            return answer.status, await answer.read()

    answers = await asyncio.gather(*(post() for _ in range(50)))
    assert {status for status, _ in answers} <= {201, 409}
    assert len({body for status, body in answers if status == 201}) == 1
    assert await rows.count("things") == await rows.count("outbox") == 1


def unseen_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request's first look finds nothing, as when its twin ends between the statement's snapshot and its lock."""
    stored, looked = Once.stored, set[Once]()

    async def look(once: Once, session: Any) -> Response | None:
        answer = await stored(once, session)
        if once in looked:
            return answer
        looked.add(once)
        return None

    monkeypatch.setattr(Once, "stored", look)


async def test_a_twin_that_ended_unseen_leaves_one_effect(
    client: aiohttp.ClientSession, headers: dict[str, str], rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client.post("/v1/things", json={"name": "table"}, headers=headers) as answer:
        assert answer.status == 201
        first = await answer.read()
    with monkeypatch.context() as patched:
        unseen_at_first(patched)
        async with client.post("/v1/things", json={"name": "table"}, headers=headers) as answer:
            assert answer.status == 409
            assert answer.headers["Retry-After"] == "1"
            assert (await answer.json(content_type=PROBLEM))["type"] == "urn:problem:idempotency-twin-running"
    async with client.post("/v1/things", json={"name": "table"}, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (201, first)
    assert await rows.count("things") == await rows.count("outbox") == 1


async def test_what_is_refused_because_of_an_unseen_twin_is_answered_as_the_twin_was(
    client: aiohttp.ClientSession, headers: dict[str, str], rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client.post("/v1/lone-things", json={"name": "table"}, headers=headers) as answer:
        assert answer.status == 201
        first = await answer.read()
    unseen_at_first(monkeypatch)
    async with client.post("/v1/lone-things", json={"name": "table"}, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (201, first)
    another = headers | {"Idempotency-Key": "another"}
    async with client.post("/v1/lone-things", json={"name": "table"}, headers=another) as answer:
        assert answer.status == 404
    assert await rows.count("things") == 1


async def test_what_the_database_itself_refused_is_told_as_such(
    client: aiohttp.ClientSession, headers: dict[str, str], rows: Rows
) -> None:
    """Its transaction is over: nothing more can be looked up in it."""
    for key, status in (("first", 201), ("second", 404)):
        sent = headers | {"Idempotency-Key": key}
        async with client.post("/v1/lone-things", json={"name": "twice the id", "size": 7}, headers=sent) as answer:
            assert answer.status == status
    assert await rows.count("things") == 1


async def test_the_same_request_later_is_answered_with_the_same_bytes(
    client: aiohttp.ClientSession, headers: dict[str, str], rows: Rows
) -> None:
    bodies = []
    for _ in range(3):
        async with client.post("/v1/things", json={"name": "été"}, headers=headers) as answer:
            assert answer.status == 201
            assert answer.content_type == "application/json"
            bodies.append(await answer.read())
    assert bodies[0] == bodies[1] == bodies[2]
    assert await rows.count("things") == 1


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/things", {"name": "chair"}), ("/v1/things?name=other", {"name": "table"})]
)
async def test_a_key_used_for_another_request_is_refused(
    client: aiohttp.ClientSession, headers: dict[str, str], rows: Rows, path: str, body: dict[str, str]
) -> None:
    async with client.post("/v1/things", json={"name": "table"}, headers=headers):
        pass
    async with client.post(path, json=body, headers=headers) as answer:
        assert answer.status == 422
        assert (await answer.json(content_type=PROBLEM))["type"] == "urn:problem:idempotency-key-reused"
    assert await rows.count("things") == 1


async def test_a_key_belongs_to_one_account(
    client: aiohttp.ClientSession, headers: dict[str, str], signer: Signer, rows: Rows
) -> None:
    for name, token in (("table", signer.token()), ("chair", signer.token())):
        theirs = headers | {"Authorization": f"Bearer {token}"}
        async with client.post("/v1/things", json={"name": name}, headers=theirs) as answer:
            assert answer.status == 201
    assert await rows.count("things") == 2


@pytest.mark.parametrize("key", [None, "", "k" * 201])
async def test_a_key_missing_or_too_long_is_said(
    client: aiohttp.ClientSession, headers: dict[str, str], rows: Rows, key: str | None
) -> None:
    del headers["Idempotency-Key"]
    async with client.post(
        "/v1/things", json={"name": "table"}, headers=headers if key is None else headers | {"Idempotency-Key": key}
    ) as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=PROBLEM))["type"] == "urn:problem:idempotency-key-missing"
    assert await rows.count("things") == 0


async def test_a_request_refused_keeps_its_key_free(
    client: aiohttp.ClientSession, headers: dict[str, str], rows: Rows
) -> None:
    async with client.post("/v1/things", json={"name": ""}, headers=headers) as answer:
        assert answer.status == 422
    async with client.post("/v1/things", json={"name": "table"}, headers=headers) as answer:
        assert answer.status == 201
    assert await rows.count("idempotency") == 1


async def test_a_process_killed_in_the_middle_of_a_request_keeps_nothing_and_the_request_can_be_repeated(
    databases: Databases, processes: Processes, gate: Gate, rows: Rows, signer: Signer, headers: dict[str, str]
) -> None:
    await gate.close("idempotency", "INSERT")  # the last statement before the commit
    async with jwks(signer) as keys, aiohttp.ClientSession() as http:
        with reserved() as port:
            url = f"http://127.0.0.1:{port}"
            variables = environment(databases, port=port) | {"TOY_JWKS_URL": keys.url}

            async def ready() -> bool:
                try:
                    async with http.get(f"{url}/readyz") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            async def post() -> int:
                async with http.post(f"{url}/v1/things", json={"name": "table"}, headers=headers) as answer:
                    return answer.status

            killed = await processes.start("api", **variables)
            await until(ready)
            request = asyncio.create_task(post())
            await until(gate.held, 1)
            await killed.kill()
            with pytest.raises(aiohttp.ClientError):
                await request
            await gate.open()
            await until(rows.nobody_else)
            assert await rows.count("things") == await rows.count("outbox") == await rows.count("idempotency") == 0

            await processes.start("api", **variables)
            await until(ready)
            assert await post() == 201
    assert await rows.count("things") == await rows.count("outbox") == 1


async def test_a_commit_that_fails_is_seen_by_the_caller_and_nothing_is_kept(
    client: aiohttp.ClientSession, headers: dict[str, str], rows: Rows
) -> None:
    for key, status in (("first", 201), ("second", 500)):
        async with client.post(
            "/v1/things", json={"name": "only one of that name"}, headers=headers | {"Idempotency-Key": key}
        ) as answer:
            assert answer.status == status
    assert await rows.count("things") == await rows.count("outbox") == await rows.count("idempotency") == 1


async def test_each_answer_bears_the_id_of_its_request(client: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    for path in ("/healthz", "/nowhere", "/v1/breakage"):
        with_trace = headers | {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        async with client.get(path, headers=with_trace) as answer:
            assert answer.headers["x-request-id"] == trace
    async with client.get("/healthz", headers={"traceparent": "00-nonsense-01"}) as answer:
        assert len(answer.headers["x-request-id"]) == 32


async def test_no_answer_is_kept_by_anybody_or_taken_for_something_else(
    client: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    thing = {"json": {"name": "table"}}
    for method, path, status, more in (
        ("POST", "/v1/things", 201, {"headers": headers} | thing),
        ("POST", "/v1/things", 401, thing),
        ("POST", "/v1/things", 422, {"headers": headers}),
        ("POST", "/v1/things", 413, {"headers": headers, "data": BytesIO(b" " * (BODY_LIMIT + 1))}),
        ("GET", f"/v1/things/{uuid4()}", 404, {"headers": headers}),
        ("GET", "/v1/breakage", 500, {"headers": headers}),
        ("GET", "/nowhere", 404, {}),
        ("GET", "/healthz", 200, {}),
    ):
        async with client.request(method, path, **more) as answer:
            assert answer.status == status
            assert answer.headers.getall("Cache-Control") == ["no-store"]
            assert answer.headers.getall("X-Content-Type-Options") == ["nosniff"]


async def test_an_unknown_address_is_a_problem(client: aiohttp.ClientSession) -> None:
    async with client.get("/nowhere") as answer:
        assert answer.status == 404
        assert await answer.json(content_type=PROBLEM) == {
            "type": "urn:problem:not-found",
            "title": "Introuvable",
            "status": 404,
            "detail": "Cet élément n'existe pas, ou vous n'y avez pas accès.",
        }


async def test_a_slash_too_many_is_not_found_and_sends_nobody_to_our_own_address(
    client: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    for path in ("/v1/things/", "/v1/breakage/", "/healthz/"):
        async with client.post(path, json={"name": "table"}, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 404
            assert "Location" not in answer.headers


async def test_a_method_that_is_not_served_is_a_problem_naming_those_that_are(client: aiohttp.ClientSession) -> None:
    async with client.delete("/v1/breakage") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET"
        assert (await answer.json(content_type=PROBLEM))["type"] == "urn:problem:method-not-allowed"


async def test_a_body_too_large_is_refused_with_or_without_its_length(
    client: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (BODY_LIMIT // 10)

    for data in (BytesIO(b" " * (BODY_LIMIT + 1)), in_pieces()):
        async with client.post("/v1/things", data=data, headers=headers) as answer:
            assert answer.status == 413
            assert (await answer.json(content_type=PROBLEM))["type"] == "urn:problem:too-large"


@pytest.mark.parametrize(
    ("sent", "pointers"),
    [
        ({"name": "table", "size": "big", "owner": "me"}, {"/size", "/owner"}),
        ({}, {"/name"}),
        ({"name": "x" * 51}, {"/name"}),
        ([], {""}),
    ],
)
async def test_each_wrong_field_is_pointed_at(
    client: aiohttp.ClientSession, headers: dict[str, str], sent: object, pointers: set[str]
) -> None:
    async with client.post("/v1/things", json=sent, headers=headers) as answer:
        assert answer.status == 422
        problem = await answer.json(content_type=PROBLEM)
    assert problem["type"] == "urn:problem:malformed"
    assert {error["pointer"] for error in problem["errors"]} == pointers
    assert all(error["detail"] for error in problem["errors"])


@pytest.mark.parametrize("data", [b"{", b"", b"\xff", b"name=table", b"[" * 20_000])
async def test_a_body_that_is_not_json_is_malformed(
    client: aiohttp.ClientSession, headers: dict[str, str], data: bytes
) -> None:
    asked = headers | {"Content-Type": "application/json"}
    async with client.post("/v1/things", data=data, headers=asked) as answer:
        assert answer.status == 422
        problem = await answer.json(content_type=PROBLEM)
    assert problem["type"] == "urn:problem:malformed"
    assert [(one["pointer"], bool(one["detail"])) for one in problem["errors"]] == [("", True)]


@pytest.mark.parametrize("sent", [{"name": "nul\0"}, {"name": "table", "size": 2**40}])
async def test_a_value_that_the_database_cannot_hold_is_malformed(
    client: aiohttp.ClientSession, headers: dict[str, str], sent: dict[str, object]
) -> None:
    async with client.post("/v1/things", json=sent, headers=headers) as answer:
        assert answer.status == 422
        problem = await answer.json(content_type=PROBLEM)
    assert problem["type"] == "urn:problem:malformed"
    assert [(one["pointer"], bool(one["detail"])) for one in problem["errors"]] == [("", True)]


async def test_an_unforeseen_error_shows_nothing_of_its_cause(
    client: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    with capture_logs() as logged:
        async with client.get("/v1/breakage", headers=headers) as answer:
            assert answer.status == 500
            body = await answer.text()
    assert "secret" not in body
    assert json.loads(body)["type"] == "urn:problem:unexpected"
    assert [(line["event"], line.get("status")) for line in logged] == [("unexpected_error", None), ("request", 500)]


async def test_a_database_away_is_a_problem_that_says_when_to_come_back(
    databases: Databases, settings: ServiceSettings, signer: Signer, headers: dict[str, str]
) -> None:
    async with proxy(databases.url) as to_database:
        there = settings.model_copy(update={"database_url": to_database.url})
        async with serving(SERVICE, there, signer) as client:
            async with client.post("/v1/things", json={"name": "table"}, headers=headers) as answer:
                assert answer.status == 201
            await to_database.cut()
            for _ in range(2):  # on a connection that broke, then without one
                async with client.get(f"/v1/things/{uuid4()}", headers=headers) as answer:
                    assert answer.status == 503
                    assert answer.headers["Retry-After"] == "2"
                    assert (await answer.json(content_type=PROBLEM))["type"] == "urn:problem:unavailable"
            await to_database.restore()
            async with client.get(f"/v1/things/{uuid4()}", headers=headers) as answer:
                assert answer.status == 404


def test_a_route_without_a_policy_keeps_the_application_from_starting(settings: ServiceSettings) -> None:
    router = APIRouter()

    @router.get("/open-to-whom")
    async def open_to_whom() -> None: ...

    with pytest.raises(RuntimeError, match="/v1/open-to-whom"):
        create_app(
            Service("toy", ServiceSettings, MetaData(), (router,), notice=Notice),
            settings,
            Database(settings.database_url),
        )


@pytest.mark.parametrize("said", [True, False])
async def test_a_refusal_that_the_document_does_not_tell_of_fails_the_test_that_met_it(
    settings: ServiceSettings, signer: Signer, said: bool
) -> None:
    router = APIRouter()

    @router.get("/things", dependencies=[PUBLIC])
    @problems(*([NotFound] if said else []))
    async def get_things() -> None:
        raise NotFound

    toy = Service("toy", ServiceSettings, MetaData(), (router,), notice=Notice)
    failing = pytest.raises(AssertionError, match=r"GET /v1/things: 404 urn:problem:not-found")
    with nullcontext() if said else failing:
        async with serving(toy, settings, signer) as client, client.get("/v1/things") as answer:
            assert answer.status == 404
