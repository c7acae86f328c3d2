"""Who may call a route. Every route declares it; one that does not keeps the application from starting."""

from collections.abc import Iterator
from typing import Literal

from contracts.caller import CallerRole
from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.problems import Forbidden
from chassis.reach import Reach
from chassis.tokens import bearer

#: Whose things a route is about: a family's, the caller's own account's, a site's, a régie's, or the whole town's.
Whose = Literal["dossier", "account", "site", "regie", "town"]


class Policy:
    """`Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]`: what the caller may touch, if they may
    call at all. Tests are generated from it: another family's (site's, régie's) things are 404.
    """

    def __init__(self, *roles: CallerRole, reach: Whose, scope: str | None = None) -> None:
        self.roles, self.reach, self.scope = roles, reach, scope

    async def __call__(self, request: Request) -> Reach:
        caller = await bearer(request)
        by_scope = caller.role == "integrator" and self.scope is not None and self.scope in caller.scope.split()
        if caller.role not in self.roles and not by_scope:
            raise Forbidden
        request.state.caller, request.state.reach = caller, self.reach
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
