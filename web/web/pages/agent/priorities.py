"""What the desk certifies of a family, by the criteria of the town's waiting list."""

from starlette.responses import Response

from web.pages.agent.checked import FAMILY, family, page_of
from web.pages.agent.dossiers import API
from web.pages.dossier_edits import overtaken, seen
from web.refusals import Refused
from web.roles import AGENTS
from web.visits import Visit, route


async def show(visit: Visit) -> Response:
    return visit.page("agent/priorities.html", family=await family(visit))


async def certify(visit: Visit) -> Response:
    """What is ticked, and nothing else any more."""
    codes = visit.form.all("priorities")
    try:
        path = f"{API}/{visit.path('dossier_id')}/priorities"
        await visit.api.call("PUT", path, {"priorities": codes}, seen=seen(visit))
        return visit.go(f"{page_of(visit)}?modifie")
    except Refused as refused:
        if not overtaken(visit, refused):
            instead = {f"priorities/{at}": "priorities" for at in range(len(codes))}
            visit.form.refused(refused, ["priorities"], instead)
        return await show(visit)


ROUTES = [route(f"{FAMILY}/criteres", show, certify, roles=AGENTS)]
