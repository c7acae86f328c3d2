"""The catalogue: activities with whom they are open to and when, and sites.

Whom a change touches is shown before it is stored.
"""

import json
from collections.abc import Mapping
from typing import Any

from french.wording import moment
from starlette.responses import Response

from web import previews
from web.answers.enrolment import Entry, Place, Window
from web.answers.touched import Previewed
from web.listings import Column, Filter, Listing
from web.paris import as_input, as_moment
from web.refusals import Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH, API = "/agent/catalogue", "/enrolment/v1/activities"
SITES, SITES_API = f"{PATH}/sites", "/enrolment/v1/sites"
KINDS = {"periscolaire": "Périscolaire", "restauration": "Restauration", "extrascolaire": "Extrascolaire"}
PAYMENTS = {"monthly": "chaque mois", "immediate": "tout de suite"}
CHARGING = {"reservation": "à la réservation", "attendance": "à la présence", "flat": "au forfait"}
STATES = {"open": "ouverte", "closed": "fermée"}
LEVELS = {"nursery": "maternelle", "elementary": "élémentaire"}
SITE_KINDS = {"school": "École", "centre": "Accueil de loisirs"}
MORE_WINDOWS = 2
STALE = "Quelqu'un d'autre a modifié cette page entre-temps : voici comment elle est maintenant."
WRONG_MOMENT = "Indiquez une date et une heure."

ACTIVITIES = Listing(
    PATH,
    "Catalogue",
    Entry,
    API,
    [
        Column("Activité", lambda one: one.name, lambda one: f"{PATH}/activites/{one.id}"),
        Column("Type", lambda one: KINDS.get(one.kind, one.kind)),
        Column("Se paie", lambda one: PAYMENTS.get(one.payment, one.payment)),
        Column("Régie", lambda one: one.regie),
        Column("État", lambda one: STATES.get(one.status, one.status)),
    ],
    [Filter("kind", "Type", [("", "Tous"), *KINDS.items()])],
    roles=ADMINISTRATORS,
    template="agent/catalogue.html",
)
PLACES = Listing(
    SITES,
    "Sites",
    Place,
    SITES_API,
    [
        Column("Site", lambda one: one.name, lambda one: f"{SITES}/{one.id}"),
        Column("Type", lambda one: SITE_KINDS.get(one.kind, one.kind)),
        Column("Code", lambda one: one.code),
    ],
    [Filter("kind", "Type", [("", "Tous"), *SITE_KINDS.items()])],
    roles=ADMINISTRATORS,
    template="agent/sites.html",
)


# ---------------------------------------------------------------------- activities


async def show_new(visit: Visit) -> Response:
    return await _activity(visit, None, "")


async def show_activity(visit: Visit) -> Response:
    activity, version = await visit.api.versioned(Entry, f"{API}/{visit.path('activity_id')}")
    return await _activity(visit, activity, version)


async def _activity(visit: Visit, activity: Entry | None, version: str) -> Response:
    if activity and not visit.form.values:
        visit.form.values = _as_inputs(activity)
    sites = await visit.api.all(Place, SITES_API)
    others = await visit.api.all(Entry, API) if activity is None else []
    return visit.page(
        "agent/activity.html",
        activity=activity,
        version=version,
        path=f"{PATH}/activites/{activity.id if activity else 'nouvelle'}",
        schools=[(one.id, one.name) for one in sites if one.kind == "school"],
        sites=[("", "L'école de l'enfant"), *((one.id, one.name) for one in sites)],
        regies=sorted({(one.regie, one.regie) for one in others}),
        kinds=list(KINDS.items()),
        payments=list(PAYMENTS.items()),
        charging=list(CHARGING.items()),
        states=list(STATES.items()),
        levels=list(LEVELS.items()),
        windows=range(_windows(visit)),
        stored="enregistre" in visit.request.query_params,
    )


def _as_inputs(activity: Entry) -> dict[str, list[str]]:
    youngest, oldest = map(str, activity.ages or ("", ""))
    values = {
        "name": [activity.name],
        "etat": [activity.status],
        "youngest": [youngest],
        "oldest": [oldest],
        "levels": activity.levels,
        "sector": activity.sector,
    }
    for place, one in enumerate(activity.enrolment_windows):
        values[f"window{place}_year"] = [one.school_year]
        values[f"window{place}_opens"] = [as_input(one.opens_at)]
        values[f"window{place}_closes"] = [as_input(one.closes_at)]
    return values


def _windows(visit: Visit) -> int:
    """How many rows of periods the form has: those filled, and some more."""
    return sum(1 for place in range(10) if visit.form.get(f"window{place}_year")) + MORE_WINDOWS


def _asked(visit: Visit) -> dict[str, Any]:
    """Whom it is open to, and when."""
    form = visit.form
    windows = []
    for place in range(_windows(visit)):
        if not (year := form.get(f"window{place}_year").strip()):
            continue
        window: dict[str, Any] = {"school_year": year}
        for name in ("opens", "closes"):
            try:
                window[f"{name}_at"] = as_moment(form.get(f"window{place}_{name}"))
            except ValueError:
                form.refuse(f"window{place}_{name}", WRONG_MOMENT)
        windows.append(window)
    ages = [form.get(name).strip() for name in ("youngest", "oldest")]
    if (
        any(one and not (one.isascii() and one.isdigit() and len(one) < 3) for one in ages)
        or len(set(map(bool, ages))) > 1
    ):
        form.refuse("youngest", "Indiquez l'âge le plus bas et le plus haut, en années, ou aucun des deux.")
        ages = ["", ""]
    return {
        "name": form.get("name").strip(),
        "status": form.get("etat"),
        "ages": [int(one) for one in ages] if ages[0] else None,
        "levels": form.all("levels"),
        "sector": form.all("sector"),
        "enrolment_windows": windows,
    }


async def add_activity(visit: Visit) -> Response:
    given = visit.form.picked("code", "kind", "payment", "charging", "regie")
    asked = {**_asked(visit), **given, "site_id": visit.form.get("site_id") or None}
    if not visit.form.errors:
        try:
            made = await visit.api.post(Entry, API, asked)
            return visit.go(f"{PATH}/activites/{made.id}?enregistre")
        except Refused as refused:
            _refused(visit, refused)
    return await _activity(visit, None, "")


async def check_activity(visit: Visit) -> Response:
    """Nothing is stored: what changes, and whom it touches."""
    asked = previews.checked(visit) if visit.form.get(previews.WANTED) else _asked(visit)
    if visit.form.errors:
        return await show_activity(visit)
    api = f"{API}/{visit.path('activity_id')}"
    before = await visit.api.get(Entry, api)
    try:
        said = await previews.preview(visit, "PATCH", api, asked)
    except Refused as refused:
        _refused(visit, refused)
        return await show_activity(visit)
    after = Entry.model_validate_json(said)
    schools = {one.id: one.name for one in await visit.api.all(Place, SITES_API)}
    return visit.page(
        "agent/edit_check.html",
        name=before.name,
        changed=previews.changed(_in_words(before, schools), _in_words(after, schools)),
        touched=Previewed.model_validate_json(said).touched,
        wanted=json.dumps(asked),
        version=previews.seen(visit),
        path=f"{PATH}/activites/{before.id}",
    )


async def export_touched(visit: Visit) -> Response:
    """Of the page above: everybody whom the change touches."""
    try:
        return await previews.export(visit, "PATCH", f"{API}/{visit.path('activity_id')}", previews.checked(visit))
    except Refused as refused:
        _refused(visit, refused)
    return await show_activity(visit)


def _in_words(activity: Entry, schools: Mapping[str, str]) -> dict[str, str]:
    """All that a change may be about."""
    return {
        "Nom": activity.name,
        "État": STATES.get(activity.status, activity.status),
        "Âges": f"de {activity.ages[0]} à {activity.ages[1]} ans" if activity.ages else "tous",
        "Niveaux": ", ".join(LEVELS[one] for one in sorted(activity.levels)) or "tous",
        "Écoles": ", ".join(sorted(schools.get(one, one) for one in activity.sector)) or "toutes",
        "Inscriptions": " ; ".join(map(_period, activity.enrolment_windows)) or "toujours ouvertes",
    }


def _period(window: Window) -> str:
    opens = f" à partir du {moment(window.opens_at)}" if window.opens_at else ""
    closes = f" jusqu'au {moment(window.closes_at)}" if window.closes_at else ""
    return f"{window.school_year}{opens}{closes}"


async def change_activity(visit: Visit) -> Response:
    activity_id, asked = visit.path("activity_id"), previews.checked(visit)
    try:
        await visit.api.call("PATCH", f"{API}/{activity_id}", asked, seen=previews.seen(visit))
        return visit.go(f"{PATH}/activites/{activity_id}?enregistre")
    except Refused as refused:
        _refused(visit, refused)
    return await show_activity(visit)


def _refused(visit: Visit, refused: Refused) -> None:
    """Beside the inputs; what somebody else has changed meanwhile is shown as it is."""
    names = {"code", "name", "kind", "payment", "charging", "regie", "site_id", "etat", "levels", "sector"}
    if refused.status == 412 or visit.form.get(previews.WANTED):
        visit.form.values = {}
    if refused.status == 412:
        visit.form.refuse("", STALE)
    elif refused.status in (409, 422):
        visit.form.refused(refused, names | {"youngest"}, {"ages": "youngest", "status": "etat"})
    else:
        raise refused


# ---------------------------------------------------------------------- sites


async def show_new_site(visit: Visit) -> Response:
    return visit.page("agent/site.html", site=None, version="", path=f"{SITES}/nouveau", kinds=list(SITE_KINDS.items()))


async def add_site(visit: Visit) -> Response:
    asked = visit.form.picked("code", "kind", "name")
    try:
        await visit.api.call("POST", SITES_API, asked)
        return visit.go(SITES)
    except Refused as refused:
        _refused(visit, refused)
    return await show_new_site(visit)


async def show_site(visit: Visit) -> Response:
    site, version = await visit.api.versioned(Place, f"{SITES_API}/{visit.path('site_id')}")
    return visit.page(
        "agent/site.html", site=site, version=version, path=f"{SITES}/{site.id}", kinds=list(SITE_KINDS.items())
    )


async def change_site(visit: Visit) -> Response:
    site_id = visit.path("site_id")
    try:
        await visit.api.call("PATCH", f"{SITES_API}/{site_id}", visit.form.picked("name"), seen=visit.form.get("vu"))
        return visit.go(SITES)
    except Refused as refused:
        _refused(visit, refused)
    return await show_site(visit)


ROUTES = [
    *ACTIVITIES.routes,
    *PLACES.routes,
    route(f"{SITES}/nouveau", show_new_site, add_site, roles=ADMINISTRATORS),
    route(f"{SITES}/{{site_id}}", show_site, change_site, roles=ADMINISTRATORS),
    route(f"{PATH}/activites/nouvelle", show_new, add_activity, roles=ADMINISTRATORS),
    route(f"{PATH}/activites/{{activity_id}}", show_activity, change_activity, roles=ADMINISTRATORS),
    route(f"{PATH}/activites/{{activity_id}}/verification", send=check_activity, roles=ADMINISTRATORS),
    route(f"{PATH}/activites/{{activity_id}}/verification.csv", send=export_touched, roles=ADMINISTRATORS),
]
