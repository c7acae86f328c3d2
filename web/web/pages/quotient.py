"""A family's quotients, and whether the town may ask for them: each adult says so of themselves, and may refuse."""

import asyncio
import re
from typing import Any

from starlette.responses import Response

from web import changes
from web.answers.dossier import Adult, Dossier, QuotientConsent, Quotients
from web.answers.identity import Me
from web.pages.dossier import HERE as DOSSIER
from web.refusals import NotFound, Refused
from web.visits import Visit, route

HERE = f"{DOSSIER}/quotient"
#: What a form has just done.
DONE = {
    "accord": "Votre accord est enregistré : la commune peut demander votre quotient familial.",
    "retire": "Votre accord est retiré, et votre état civil est effacé.",
}
SEXES = [("F", "Féminin"), ("M", "Masculin")]
#: Where a number of the social security says the commune of birth; of who was born abroad, 99 and the country.
WHERE = "Ce sont cinq caractères, par exemple 94073, ou 99404 pour une naissance à l'étranger."
INPUTS = ("birth_name", "first_names", "sex", "birth_date", "birthplace")


async def _adult(visit: Visit) -> Adult:
    """Of whom the page is: the guardian themselves; at the desk, the one that is named. Raises NotFound."""
    if visit.acting:
        adult_id: str | None = visit.query("de") or visit.form.get("de")
    else:
        adult_id = (await visit.api.get(Me, "/identity/v1/me")).guardian_id
    for adult in (await visit.dossier()).adults:
        if adult.id == adult_id:
            return adult
    raise NotFound


async def show(visit: Visit) -> Response:
    return await _page(visit, await _adult(visit))


async def _page(visit: Visit, adult: Adult) -> Response:
    dossier = await visit.dossier()
    consent, history = await asyncio.gather(
        visit.api.get(QuotientConsent, consent_path(dossier, adult)),
        visit.api.get(Quotients, f"/dossier/v1/dossiers/{dossier.id}/quotients"),
    )
    return visit.page(
        "dossier/quotient.html",
        dossier=dossier,
        adult=adult,
        consent=consent,
        history=history.items,
        changes=changes,
        sexes=SEXES,
        done=next((said for name, said in DONE.items() if name in visit.request.query_params), None),
    )


def consent_path(dossier: Dossier, adult: Adult) -> str:
    return f"/dossier/v1/dossiers/{dossier.id}/adults/{adult.id}/quotient-consent"


async def agree(visit: Visit) -> Response:
    adult, form = await _adult(visit), visit.form
    form.require(
        birth_name="Indiquez le nom de naissance.",
        first_names="Indiquez au moins un prénom.",
        sex="Indiquez le sexe.",
        birth_date="Indiquez la date de naissance.",
    )
    place = re.sub(r"\s", "", form.get("birthplace")).upper()
    if not re.fullmatch("[0-9][0-9AB][0-9]{3}", place):
        form.refuse("birthplace", WHERE)
    if not form.errors:
        where = {"birth_country": place} if place.startswith("99") else {"birthplace": place}
        names = re.split(r"[\s,]+", form.get("first_names").strip(" ,"))
        body: dict[str, Any] = {"first_names": names} | where | form.picked("birth_name", "sex", "birth_date")
        try:
            await visit.api.call("PUT", consent_path(await visit.dossier(), adult), body)
            return visit.go(f"{HERE}?accord{_whose(visit, adult)}")
        except Refused as refused:
            if refused.status not in (409, 422):
                raise
            instead = {f"first_names/{at}": "first_names" for at in range(len(names))} | {"birth_country": "birthplace"}
            form.refused(refused, INPUTS, instead)
    return await _page(visit, adult)


async def agree_no_more(visit: Visit) -> Response:
    adult = await _adult(visit)
    await visit.api.call("DELETE", consent_path(await visit.dossier(), adult))
    return visit.go(f"{HERE}?retire{_whose(visit, adult)}")


def _whose(visit: Visit, adult: Adult) -> str:
    return f"&de={adult.id}" if visit.acting else ""


ROUTES = [route(HERE, show, agree), route(f"{HERE}/retrait", send=agree_no_more)]
