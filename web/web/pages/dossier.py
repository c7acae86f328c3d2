"""« Mon dossier »: what the town knows, what is asked to be changed, and « tout est exact »."""

import asyncio

from chassis import clock
from french.paris import day_in_paris
from starlette.responses import Response

from web import changes
from web.answers import Page
from web.answers.dossier import ChangeRequest, Child, Custody, Dossier
from web.answers.enrolment import Site
from web.custody import FOR_PARENTS, Shown, Words, shown
from web.refusals import NotFound, Refused
from web.visits import Visit, route

HERE = "/dossier"
REQUESTS = "/dossier/v1/change-requests"
#: What a form has just done, said above the page.
DONE = {
    "modifie": "Vos modifications sont enregistrées.",
    "demande": "Votre demande est envoyée : le guichet vous répond par message et par courriel.",
    "retiree": "Votre demande est retirée.",
    "certifie": "Merci : vous avez certifié que tout est exact.",
}
SHOWN = 20


def child_of(visit: Visit, dossier: Dossier) -> Child:
    """The one in the path. Raises NotFound."""
    child_id = visit.path("child_id")
    for child in dossier.children:
        if child.id == child_id:
            return child
    raise NotFound


async def show_dossier(visit: Visit) -> Response:
    await visit.api.fresh()
    dossier, schools, requests = await asyncio.gather(visit.dossier(), school_names(visit), _requests(visit))
    return visit.page(
        "dossier/dossier.html",
        dossier=dossier,
        shared=await shared(visit, dossier.children, FOR_PARENTS),
        schools=schools,
        requests=requests,
        changes=changes,
        done=next((sentence for name, sentence in DONE.items() if name in visit.request.query_params), None),
    )


async def _requests(visit: Visit) -> list[ChangeRequest] | None:
    """None where they cannot be told now: the rest of the page is there all the same."""
    try:
        return (await visit.api.get(Page[ChangeRequest], REQUESTS, limit=SHOWN, **visit.family)).items
    except Refused as refused:
        if refused.status < 500:
            raise
        return None


async def shared(visit: Visit, children: list[Child], words: Words) -> dict[str, Shown]:
    """Whose the days are of those in split custody, by their ids; none of what cannot be told now."""
    today = day_in_paris(clock.now())

    async def asked(child: Child) -> Custody | None:
        try:
            return await visit.api.get(Custody, f"/dossier/v1/children/{child.id}/custody", **visit.family)
        except Refused:
            return None

    found = await asyncio.gather(*map(asked, children))
    return {
        child.id: shown(one, today, words) for child, one in zip(children, found, strict=True) if one and one.shared
    }


async def school_names(visit: Visit) -> dict[str, str]:
    """By their ids; none where the catalogue is not there."""
    try:
        found = await visit.api.all(Site, "/enrolment/v1/sites")
        return {site.id: site.name for site in found if site.kind in ("", "school")}
    except Refused:
        return {}


async def certify(visit: Visit) -> Response:
    dossier = await visit.dossier()
    await visit.api.call("POST", f"/dossier/v1/dossiers/{dossier.id}/certification")
    return visit.go(f"{HERE}?certifie")


ROUTES = [route(HERE, show_dossier), route(f"{HERE}/certification", send=certify)]
