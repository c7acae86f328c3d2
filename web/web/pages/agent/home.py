"""The desk's home: a family is found from here, and what waits for somebody is counted."""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response

from web.listings import Queue
from web.pages.agent import (
    change_requests,
    dead_letters,
    desk_notices,
    documents,
    dossier_requests,
    invoices,
    letters,
    link_requests,
)
from web.roles import DESK
from web.visits import Visit, route

#: What waits for somebody to decide, in the order in which it is shown; each is counted for those whose work it is.
QUEUES: Sequence[Queue] = (
    link_requests.QUEUE,
    dossier_requests.QUEUE,
    change_requests.QUEUE,
    documents.QUEUE,
    documents.EXPIRING,
    letters.QUEUE,
    desk_notices.QUEUE,
    invoices.QUEUE,
    dead_letters.QUEUE,
)


async def show_home(visit: Visit) -> Response:
    await visit.api.fresh()
    queues = [one for one in QUEUES if visit.session.role in one.roles]
    counts = await asyncio.gather(*(one.waiting(visit) for one in queues))
    return visit.page("agent/home.html", queues=list(zip(queues, counts, strict=True)))


ROUTES = [route("/agent", show_home, roles=DESK)]
