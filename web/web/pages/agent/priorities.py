"""What the desk certifies of a family, by the criteria of the town's waiting list."""

from starlette.responses import Response

from web.pages.agent.checked import FAMILY, Wanted, checked, family
from web.pages.agent.dossiers import API
from web.roles import AGENTS
from web.visits import Visit, route


async def show(visit: Visit) -> Response:
    return visit.page("agent/priorities.html", family=await family(visit))


async def certify(visit: Visit) -> Response:
    """What is ticked, and nothing else any more."""
    codes = visit.form.all("priorities")
    wanted = Wanted(
        "Certifier des critères",
        "PUT",
        f"{API}/{visit.path('dossier_id')}/priorities",
        {"priorities": codes},
        done="modifie",
        inputs={"priorities": "priorities", **{f"priorities/{at}": "priorities" for at in range(len(codes))}},
    )
    return await checked(visit, wanted, show)


ROUTES = [route(f"{FAMILY}/criteres", show, certify, roles=AGENTS)]
