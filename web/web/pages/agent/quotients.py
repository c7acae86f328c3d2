"""A family's quotients at the desk: their history, one recorded, or asked of API Particulier now."""

import asyncio

from starlette.responses import Response

from web import changes
from web.answers.dossier import Lookup, QuotientConsent, Quotients
from web.pages.dossier_edits import overtaken, seen
from web.pages.quotient import consent_path
from web.refusals import Refused
from web.roles import AGENTS
from web.visits import Visit, route

PATH, API = "/agent/dossiers/{dossier_id}/quotient", "/dossier/v1/dossiers"
#: What API Particulier answered, sealed in the address of the page that says it.
RESULT = "resultat"
FOUND = {
    "changed": "Un quotient est trouvé et enregistré",
    "unchanged": "Ce quotient était déjà enregistré",
    "unknown": "Aucun quotient n'est trouvé",
    "no_consent": "Rien n'a été demandé",
}
#: Why nothing was asked, or not answered, as dossier says it.
NOT_ASKED = tuple(f"urn:problem:dossier:particulier-{why}" for why in ("not-connected", "token-refused", "unavailable"))
INPUTS = ("value", "source", "counts_from", "valid_to", "reason")


async def show(visit: Visit) -> Response:
    visit.acting = visit.path("dossier_id")
    family, base, api = await visit.dossier(), visit.base, visit.api
    history, consents = await asyncio.gather(
        api.get(Quotients, f"{API}/{family.id}/quotients"),
        asyncio.gather(*(api.get(QuotientConsent, consent_path(family, one)) for one in family.adults)),
    )
    result = visit.site.settings.seal.open(RESULT, visit.query(RESULT)) if visit.query(RESULT) else None
    visit.acting = ""  # this page is the desk's own
    return visit.page(
        "agent/quotients.html",
        family=family,
        base=base,
        path=PATH.format(dossier_id=family.id),
        history=history.items,
        adults=list(zip(family.adults, consents, strict=True)),
        possible=any(one.possible for one in consents),
        sources=changes.SOURCES,
        recorded="enregistre" in visit.request.query_params,
        result=result if result and result["dossier"] == family.id else None,
        found=FOUND,
    )


async def record(visit: Visit) -> Response:
    form, dossier_id = visit.form, visit.path("dossier_id")
    body = {"value": form.number("value"), "source": form.get("source")}
    body |= {name: said for name, said in form.picked("counts_from", "valid_to", "reason").items() if said}
    if form.require(value="Indiquez le quotient, en euros.", source="Indiquez qui l'a calculé."):
        try:
            await visit.api.call("PUT", f"{API}/{dossier_id}/quotient", body, seen=seen(visit))
            return visit.go(f"{PATH.format(dossier_id=dossier_id)}?enregistre")
        except Refused as refused:
            if not overtaken(visit, refused):
                form.refused(refused, INPUTS)
    return await show(visit)


async def ask(visit: Visit) -> Response:
    dossier_id = visit.path("dossier_id")
    try:
        found = await visit.api.post(Lookup, f"{API}/{dossier_id}/quotient-lookups", None)
    except Refused as refused:
        if refused.type not in NOT_ASKED:
            raise
        visit.form.refuse("", refused.detail)
        return await show(visit)
    sealed = visit.site.settings.seal.close(RESULT, found.model_dump() | {"dossier": dossier_id})
    return visit.go(f"{PATH.format(dossier_id=dossier_id)}?{RESULT}={sealed}")


ROUTES = [
    route(PATH, show, record, roles=AGENTS),
    route(f"{PATH}/demande", send=ask, roles=AGENTS),
]
