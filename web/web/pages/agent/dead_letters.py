"""Messages between services that could not be handled: what was set aside, service by service, and « once more »."""

import asyncio

from french.wording import moment
from starlette.responses import Response

from web.answers.every import DeadLetters, Replayed
from web.listings import Count, spreadsheet
from web.refusals import NotFound, Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH = "/agent/messages-en-echec"
SERVICES = {
    "identity": "Comptes",
    "dossier": "Dossiers",
    "enrolment": "Inscriptions",
    "planning": "Planning",
    "billing": "Facturation",
}
REASONS = {"rejected": "refusé par le service", "delivery_limit": "a interrompu le service"}
MOST = 200


class _Queue:
    path, title, roles = PATH, "Messages en échec", ADMINISTRATORS

    async def waiting(self, visit: Visit) -> Count:
        found = await _all(visit, 1)
        known = [one.count for one in found.values() if one]
        return Count(sum(known) if len(known) == len(found) else None)


QUEUE = _Queue()


async def _all(visit: Visit, limit: int) -> dict[str, DeadLetters | None]:
    """Of each service; none of one that does not answer."""

    async def of(service: str) -> DeadLetters | None:
        try:
            return await visit.api.get(DeadLetters, f"/{service}/v1/dead-letters", limit=limit)
        except Refused as refused:
            if refused.status < 500 and refused.status != 404:
                raise
            return None

    await visit.api.fresh()
    return dict(zip(SERVICES, await asyncio.gather(*map(of, SERVICES)), strict=True))


def _chosen(visit: Visit) -> str:
    """The service that the list is of; empty for all."""
    said = visit.query("service")
    return said if said in SERVICES else ""


async def show(visit: Visit) -> Response:
    chosen, found = _chosen(visit), await _all(visit, MOST)
    return visit.page(
        "agent/dead_letters.html",
        found={name: one for name, one in found.items() if chosen in ("", name)},
        services=SERVICES,
        chosen=chosen,
        reasons=REASONS,
        replayed=visit.query("remis"),
        left=visit.query("reste"),
        most=MOST,
    )


async def export(visit: Visit) -> Response:
    chosen, found = _chosen(visit), await _all(visit, MOST)
    rows = [
        [SERVICES[name], one.type or "", moment(one.time) if one.time else "", REASONS.get(one.reason or "", "")]
        for name, some in found.items()
        if some and chosen in ("", name)
        for one in some.items
    ]
    return spreadsheet("messages-en-echec", ["Service", "Message", "Du", "Raison"], rows)


async def replay(visit: Visit) -> Response:
    service = visit.path("service")
    if service not in SERVICES:
        raise NotFound
    done = await visit.api.post(Replayed, f"/{service}/v1/dead-letters/replay", None)
    return visit.go(f"{PATH}?remis={done.replayed}&reste={done.left}")


ROUTES = [
    route(PATH, show, roles=ADMINISTRATORS),
    route(f"{PATH}.csv", export, roles=ADMINISTRATORS),
    route(f"{PATH}/{{service}}", send=replay, roles=ADMINISTRATORS),
]
