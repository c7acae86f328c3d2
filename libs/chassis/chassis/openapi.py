"""What a service's OpenAPI document says beyond FastAPI's: who may call, and every problem that may be answered."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter

from chassis.editing import IfMatchMissing, Stale, seen_version
from chassis.idempotency import KeyMissing, KeyReused, TwinRunning, once_streamed
from chassis.policies import Policy, calls
from chassis.problems import (
    Forbidden,
    Malformed,
    NotFound,
    Problem,
    ProblemDocument,
    TooLarge,
    Unavailable,
    Unexpected,
    add_problems,
)
from chassis.tokens import Unauthenticated


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` say it; FastAPI keeps the document once made."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            for route in iter_route_contexts(app.routes):
                if isinstance(route.original_route, APIRoute) and route.include_in_schema:
                    for method in route.methods or ():
                        _complete(document["paths"][route.path_format][method.lower()], route)
            _add_components(document)
        return made()

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's own documentation has it


def _complete(operation: dict[str, Any], route: Any) -> None:
    called = list(calls(route.dependant))
    policies = [call for call in called if isinstance(call, Policy)]
    operation["security"] = [{"bearer": []}] if policies else []
    for policy in policies:
        operation["x-roles"] = list(policy.roles)
        operation["x-reach"] = policy.reach
        who = f"For: {', '.join(policy.roles)}."
        if policy.scope:
            operation["x-scope"] = policy.scope
            who += f" Programs need the scope `{policy.scope}`."
        operation["description"] = f"{operation['description']}\n\n{who}" if "description" in operation else who
    for parameter in operation.get("parameters", ()):
        parameter["required"] |= parameter["name"] in ("idempotency-key", "if-match")
    for answer in operation["responses"].values():
        if answer.get("content", {}).get("application/json") == {"schema": {}}:
            del answer["content"]  # a bare Response: its body is empty
    operation["responses"].pop("422", None)  # FastAPI's own, which nobody is answered
    add_problems(operation, *_problems(operation, called, bool(policies)), *getattr(route.endpoint, "problems", ()))


def _problems(operation: dict[str, Any], called: list[object], guarded: bool) -> list[type[Problem]]:
    """What follows from the route itself."""
    body, parameters = "requestBody" in operation, operation.get("parameters", [])
    return [
        *((Unauthenticated, Forbidden) if guarded else ()),
        *((NotFound,) if any(one["in"] == "path" for one in parameters) else ()),
        *((TooLarge,) if body else ()),
        *((Malformed,) if body or parameters else ()),
        *((KeyMissing, TwinRunning, KeyReused) if once_streamed in called else ()),
        *((IfMatchMissing, Stale) if seen_version in called else ()),
        Unavailable,
        Unexpected,
    ]


def _add_components(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = TypeAdapter(ProblemDocument).json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {ProblemDocument.__name__: problem}
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
