"""The joined OpenAPI document: valid, saying of each call who may make it and every problem it may answer."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from chassis.app import create_app
from chassis.database import Database
from chassis.problems import Problem
from chassis.settings import ServiceSettings
from gateway.main import PROBLEMS
from gateway.openapi import join
from openapi_spec_validator import validate
from web.pages.agent.desk_log import ACTS

from deploy.local.prepare import services

Operation = dict[str, Any]
STAFF = {"agent", "cashier", "administrator"}
#: What the staff looks up by a POST: no act.
READINGS = {"POST /plannings/copy-week"}
NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    settings = ServiceSettings(
        database_url=NOWHERE,
        amqp_url="amqp://127.0.0.1:9",
        port=0,
        jwks_url="http://127.0.0.1:9",
        token_issuer="https://espace.test",
    )
    apps = {service.name: create_app(service, settings, Database(NOWHERE)) for service in services()}
    return join({name: app.openapi() for name, app in apps.items()}, *PROBLEMS)


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[str, Operation]:
    """By method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def types(operation: Operation) -> dict[str, set[str]]:
    """The URNs of its problems, by status."""
    return {
        status: set(answer["content"]["application/problem+json"]["schema"]["properties"]["type"]["enum"])
        for status, answer in operation["responses"].items()
        if status >= "400"
    }


def kinds(of: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_the_joined_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_a_public_call_wears_no_lock_and_another_says_whose_it_is(operations: dict[str, Operation]) -> None:
    public = {name for name, operation in operations.items() if operation["security"] == []}
    assert {
        "GET /api/identity/v1/.well-known/jwks.json",
        "POST /api/identity/v1/registrations",
        "POST /api/identity/v1/sessions",
        "POST /api/billing/v1/payfip/notifications",
    } <= public
    guarded = operations.keys() - public
    assert {"GET /api/identity/v1/me", "POST /api/enrolment/v1/bookings", "GET /api/billing/v1/invoices"} <= guarded
    for name in guarded:
        assert operations[name]["security"] == [{"bearer": []}]
        assert operations[name]["x-roles"]
        assert operations[name]["x-reach"]
        assert {"401", "403"} <= operations[name]["responses"].keys()
    for name in public:
        assert "x-roles" not in operations[name]
        assert "403" not in operations[name]["responses"]
    assert operations["POST /api/billing/v1/payments"]["x-roles"] == ["guardian"]


def test_what_follows_from_a_route_is_said_of_it(operations: dict[str, Operation]) -> None:
    hold = types(operations["POST /api/enrolment/v1/bookings"])
    assert "urn:problem:idempotency-key-missing" in hold["400"]
    assert {"urn:problem:idempotency-twin-running", "urn:problem:enrolment:week-full"} <= hold["409"]
    assert {"urn:problem:malformed", "urn:problem:idempotency-key-reused"} <= hold["422"]
    assert "413" in hold
    assert "404" in types(operations["GET /api/enrolment/v1/bookings/{booking_id}"])
    for operation in operations.values():
        assert {"429", "500", "502", "503", "504"} <= types(operation).keys()


def test_every_problem_that_a_service_knows_is_said_somewhere(operations: dict[str, Operation]) -> None:
    said = set().union(*(urns for operation in operations.values() for urns in types(operation).values()))
    for service in services():
        import_module(f"{service.name}.main")
    known = {
        kind.type: kind.__name__
        for kind in kinds()
        if kind.__module__.split(".")[0] in {service.name for service in services()} and hasattr(kind, "type")
    }
    assert known
    assert {name for urn, name in known.items() if urn not in said} == set()


def test_the_desks_log_has_words_for_each_act_of_the_staff(operations: dict[str, Operation]) -> None:
    acts = {
        f"{method} /{path.split('/', 4)[4]}"
        for method, path in (name.split(" ") for name in operations)
        if method != "GET"
        and STAFF & set(operations[f"{method} {path}"].get("x-roles", ()))
        and operations[f"{method} {path}"]["x-reach"] != "account"
    }
    assert acts - ACTS.keys() == READINGS
    assert ACTS.keys() - acts == set()


def test_an_empty_answer_is_said_to_be_empty(operations: dict[str, Operation]) -> None:
    assert "content" not in operations["POST /api/identity/v1/registrations"]["responses"]["202"]
    assert "content" not in operations["POST /api/identity/v1/activations"]["responses"]["204"]
    assert "content" in operations["POST /api/enrolment/v1/bookings/{booking_id}/confirm"]["responses"]["202"]
    for operation in operations.values():
        for answer in operation["responses"].values():
            for content in answer.get("content", {}).values():
                assert content["schema"] != {}


def test_every_refusal_is_a_problem_document(document: dict[str, Any], operations: dict[str, Operation]) -> None:
    for operation in operations.values():
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert answer["content"].keys() == {"application/problem+json"}
                assert answer["description"]
    assert not any("ValidationError" in name for name in document["components"]["schemas"])
