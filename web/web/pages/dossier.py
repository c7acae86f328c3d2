"""« Mon dossier », as the town knows it; changed at the desk for now."""

import asyncio

from starlette.responses import Response

from web.answers import Page
from web.answers.enrolment import Site
from web.refusals import Refused
from web.visits import Visit, route

ROLES = {"legal_guardian": "responsable légal", "payer": "payeur", "contact": "personne à contacter"}
LEVELS = {"nursery": "maternelle", "elementary": "élémentaire"}
MENUS = {"standard": "standard", "no_pork": "sans porc", "vegetarian": "végétarien", "own_meal": "panier-repas"}
SOURCES = {"caf": "CAF", "msa": "MSA", "municipal": "calculé par la commune"}


async def show_dossier(visit: Visit) -> Response:
    await visit.api.fresh()
    dossier, schools = await asyncio.gather(visit.dossier(), _schools(visit))
    return visit.page(
        "dossier/dossier.html",
        dossier=dossier,
        schools=schools,
        roles=ROLES,
        levels=LEVELS,
        menus=MENUS,
        sources=SOURCES,
    )


async def _schools(visit: Visit) -> dict[str, str]:
    """Their names; none where the catalogue is not there."""
    try:
        found = await visit.api.get(Page[Site], "/enrolment/v1/sites", limit=100)
        return {site.id: site.name for site in found.items}
    except Refused:
        return {}


ROUTES = [route("/dossier", show_dossier)]
