"""The days on which the town is closed: said, what follows from it shown first, then stored."""

import json
from datetime import date, timedelta

from starlette.responses import Response

from web import previews
from web.answers.planning import Calendar, Changes
from web.answers.touched import Previewed
from web.listings import spreadsheet
from web.previews import touched
from web.refusals import NotFound, Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH, API = "/agent/calendrier", "/planning/v1/calendar"
#: Of a period said at once.
MOST = 62
STALE = "Quelqu'un d'autre a modifié le calendrier entre-temps : voici comment il est maintenant."
WRONG_DAY = "Indiquez une date, par exemple 24/12/2026."


async def show(visit: Visit) -> Response:
    calendar, version = await visit.api.versioned(Calendar, API)
    return visit.page(
        "agent/calendar.html", calendar=calendar, version=version, stored="enregistre" in visit.request.query_params
    )


async def export(visit: Visit) -> Response:
    calendar = await visit.api.get(Calendar, API)
    return spreadsheet(
        "calendrier", ["Date", "Nom"], [[f"{one.date:%d/%m/%Y}", one.name] for one in calendar.closed_days]
    )


async def check(visit: Visit) -> Response:
    """Nothing is stored: what the wanted days come to."""
    wanted = previews.checked(visit) if visit.form.get(previews.WANTED) else _wanted(visit)
    if not visit.form.errors:
        try:
            return await _preview(visit, wanted)
        except Refused as refused:
            _refused(visit, refused)
    return await show(visit)


async def export_touched(visit: Visit) -> Response:
    """Of the page above: everybody whom the wanted days touch."""
    try:
        return await previews.export(visit, "PUT", API, _body(previews.checked(visit)))
    except Refused as refused:
        _refused(visit, refused)
    return await show(visit)


async def _preview(visit: Visit, wanted: dict[str, str]) -> Response:
    said = await previews.preview(visit, "PUT", API, _body(wanted))
    changes = Changes.model_validate_json(said).changes
    kept = set(visit.form.all("jour"))
    return visit.page(
        "agent/calendar_check.html",
        wanted=json.dumps(wanted),
        before=sorted(kept),
        added=[(date.fromisoformat(day), name) for day, name in sorted(wanted.items()) if f"{day}|{name}" not in kept],
        removed=[date.fromisoformat(one[:10]) for one in sorted(kept) if one[:10] not in wanted],
        version=previews.seen(visit),
        activities=touched(changes),
        touched=Previewed.model_validate_json(said).touched,
    )


async def store(visit: Visit) -> Response:
    try:
        await visit.api.call("PUT", API, _body(previews.checked(visit)), seen=previews.seen(visit))
        return visit.go(f"{PATH}?enregistre")
    except Refused as refused:
        _refused(visit, refused)
    return await show(visit)


def _refused(visit: Visit, refused: Refused) -> None:
    if refused.status == 412:
        visit.form.refuse("", STALE)
    elif refused.status == 422:
        visit.form.refused(refused, ())
    else:
        raise refused


def _body(wanted: dict[str, str]) -> dict[str, object]:
    return {"closed_days": [{"date": day, "name": name} for day, name in sorted(wanted.items())]}


def _said(visit: Visit) -> dict[str, str]:
    """The days of the form, by date. Raises NotFound for what no form of ours says."""
    found = {}
    for one in visit.form.all("jour"):
        day, _, name = one.partition("|")
        try:
            found[date.fromisoformat(day).isoformat()] = name
        except ValueError:
            raise NotFound from None
    return found


def _wanted(visit: Visit) -> dict[str, str]:
    """The calendar's days without those ticked, and with the new ones."""
    form = visit.form
    wanted = {day: name for day, name in _said(visit).items() if day not in form.all("retirer")}
    if not form.get("du") and not form.get("nom"):
        if len(wanted) == len(form.all("jour")):
            form.refuse("du", "Indiquez un jour à ajouter, ou cochez un jour à retirer.")
        return wanted
    form.require(nom="Donnez un nom à cette fermeture, par exemple Pont de l'Ascension.")
    try:
        first = date.fromisoformat(form.get("du"))
        last = date.fromisoformat(form.get("au")) if form.get("au") else first
    except ValueError:
        form.refuse("du", WRONG_DAY)
        return wanted
    if not first <= last <= first + timedelta(days=MOST):
        form.refuse("au", f"La fin suit le début, de {MOST} jours au plus.")
        return wanted
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return wanted | {day.isoformat(): form.get("nom").strip() for day in days}


ROUTES = [
    route(PATH, show, store, roles=ADMINISTRATORS),
    route(f"{PATH}.csv", export, roles=ADMINISTRATORS),
    route(f"{PATH}/verification", send=check, roles=ADMINISTRATORS),
    route(f"{PATH}/verification.csv", send=export_touched, roles=ADMINISTRATORS),
]
