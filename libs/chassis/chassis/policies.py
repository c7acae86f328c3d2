"""Who may call a route. Every route declares it; one that does not keeps the application from starting."""

from collections.abc import Iterator

from contracts.caller import Caller, CallerRole
from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.problems import Problem
from chassis.tokens import bearer


class Forbidden(Problem):
    type = "urn:problem:forbidden"
    status = 403
    title = "Action réservée"
    detail = "Votre profil ne permet pas cette action."


class Policy:
    """`Annotated[Caller, Depends(Policy("guardian", "agent"))]`: the caller, if their role (and scope) allows it."""

    def __init__(self, *roles: CallerRole, scope: str | None = None) -> None:
        self.roles, self.scope = roles, scope

    async def __call__(self, request: Request) -> Caller:
        caller = bearer(request)
        by_scope = caller.role == "integrator" and self.scope is not None and self.scope in caller.scope.split()
        if caller.role not in self.roles and not by_scope:
            raise Forbidden
        request.state.caller = caller
        return caller


async def _anyone() -> None:
    return None


#: `dependencies=[PUBLIC]`: open to everybody, and said so.
PUBLIC = Depends(_anyone)


def calls(dependant: Dependant) -> Iterator[object]:
    """All that a route depends on."""
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls(inner)


def refuse_routes_without_policy(app: FastAPI) -> None:
    """Raises RuntimeError naming the routes that say nothing of who may call them."""
    silent = [
        f"{sorted(route.methods or ())} {route.path}"
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        and not any(call is _anyone or isinstance(call, Policy) for call in calls(route.dependant))
    ]
    if silent:
        raise RuntimeError(f"No policy declared: {', '.join(silent)}")
