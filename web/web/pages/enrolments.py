"""« Inscription »: where the family stands, and for the school year kind → activity → child → « Inscrire »."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from chassis import clock
from french.paris import day_in_paris
from starlette.responses import Response

from web.answers.dossier import Child
from web.answers.enrolment import Activity, Booking, Enrolment, HouseRules, Results, Waiting
from web.refusals import NotFound, Refused
from web.visits import Visit, route

HOME = "/inscriptions"
KINDS = {"periscolaire": "Accueil périscolaire", "restauration": "Restauration"}
WEEKDAYS = {
    "monday": "lundi",
    "tuesday": "mardi",
    "wednesday": "mercredi",
    "thursday": "jeudi",
    "friday": "vendredi",
}
NOBODY = "Cochez au moins un enfant."
NO_DAY = "Cochez au moins un jour."


@dataclass(frozen=True)
class ForChild:
    """An activity as it is open, or not, to one child."""

    child: Child
    activity: Activity


async def children(visit: Visit) -> list[Child]:
    return (await visit.dossier()).children


async def show_enrolments(visit: Visit) -> Response:
    """Offers, enrolments of the school year, bookings, waiting lists."""
    await visit.api.fresh()
    family, activities, enrolments, bookings, waiting = await asyncio.gather(
        children(visit),
        visit.api.all(Activity, "/enrolment/v1/activities"),
        visit.api.all(Enrolment, "/enrolment/v1/enrolments", **visit.family),
        visit.api.all(Booking, "/enrolment/v1/bookings", **visit.family),
        visit.api.all(Waiting, "/enrolment/v1/waiting-list", **visit.family),
    )
    return visit.page(
        "enrolments/enrolments.html",
        names={child.id: child.first_name for child in family},
        kinds=KINDS,
        weekdays=WEEKDAYS,
        activities={one.id: one.name for one in activities},
        enrolments=[one for one in enrolments if one.status == "active"],
        bookings=bookings,
        offers=[one for one in waiting if one.status == "offered"],
        waiting=[one for one in waiting if one.status == "waiting"],
        joined="attente" in visit.request.query_params,
        enrolled="inscrit" in visit.request.query_params,
    )


# ---------------------------------------------------------------------- « Inscrire »


async def show_kind(visit: Visit, done: Sequence[str] = ()) -> Response:
    """The activities of a kind, each with every child that it is open to, or why it is not."""
    kind = visit.path("kind")
    if kind not in KINDS:
        raise NotFound
    family = await children(visit)
    await visit.api.fresh()
    found = await asyncio.gather(
        *(
            visit.api.all(Activity, "/enrolment/v1/activities", kind=kind, child_id=child.id, **visit.family)
            for child in family
        )
    )
    activities: dict[str, list[ForChild]] = {}
    for child, of_child in zip(family, found, strict=True):
        for activity in of_child:
            activities.setdefault(activity.id, []).append(ForChild(child, activity))
    return visit.page(
        "enrolments/kind.html",
        kind=kind,
        title=KINDS[kind],
        activities=list(activities.values()),
        weekdays=WEEKDAYS,
        done=[child.first_name for child in family if child.id in done],
    )


async def enrol(visit: Visit) -> Response:
    """Each child by itself: what one is refused is said beside it, and keeps no other from it."""
    form, activity = visit.form, visit.form.get("activite")
    ticked = list(dict.fromkeys(form.all("enfant")))
    if not ticked:
        form.refuse(f"{activity}-enfants", NOBODY)
        return await show_kind(visit)
    week = {"usual_week": {"days": days}} if (days := list(dict.fromkeys(form.all("jour")))) else {}
    asked = [{"child_id": child, "activity_id": activity} | week for child in ticked]
    body = {"enrolments": asked, **visit.family, **visit.bypass}
    try:
        said = await visit.api.post(Results, "/enrolment/v1/enrolments/batch", body, key=visit.once)
    except Refused as refused:
        if refused.status not in (404, 409, 422):
            raise
        form.refused(refused, ())
        return await show_kind(visit)
    for result in said.results:
        if result.problem:
            form.refuse(f"{activity}-{result.child_id}", result.problem.detail)
    if form.errors:
        form.values.pop("cle", None)  # what is asked for next is something else
        return await show_kind(visit, [one.child_id for one in said.results if one.enrolment])
    return visit.go(f"{HOME}?inscrit")


# ---------------------------------------------------------------------- one enrolment


async def show_enrolment(visit: Visit) -> Response:
    path = f"/enrolment/v1/enrolments/{visit.path('enrolment_id')}"
    await visit.api.fresh()
    enrolment, family, activities = await asyncio.gather(
        visit.api.get(Enrolment, path, **visit.family),
        children(visit),
        visit.api.all(Activity, "/enrolment/v1/activities"),
    )
    return visit.page(
        "enrolments/enrolment.html",
        enrolment=enrolment,
        child={child.id: child.first_name for child in family}.get(enrolment.child_id, "Votre enfant"),
        activity=next((one.name for one in activities if one.id == enrolment.activity_id), "Activité"),
        weekdays=WEEKDAYS,
        today=day_in_paris(clock.now()),
    )


async def change_week(visit: Visit) -> Response:
    """« Semaine type »: these weekdays from now on."""
    form, enrolment_id = visit.form, visit.path("enrolment_id")
    asked = form.picked("from", "to")
    days = list(dict.fromkeys(form.all("jour")))
    if not days:
        form.refuse("jour", NO_DAY)
        return await show_enrolment(visit)
    return await _changed(
        visit,
        "PUT",
        f"/enrolment/v1/enrolments/{enrolment_id}/usual-week",
        {"days": days, **asked, **visit.family, **visit.bypass},
        ["from", "to"],
    )


async def withdraw(visit: Visit) -> Response:
    """From a day on; planning judges which days may still be cancelled."""
    first = visit.form.get("depuis").strip()
    if not visit.form.require(depuis="Indiquez le premier jour sans cette activité."):
        return await show_enrolment(visit)
    path = f"/enrolment/v1/enrolments/{visit.path('enrolment_id')}"
    return await _changed(visit, "DELETE", path, None, ["depuis"], {"from": first, **visit.family, **visit.bypass})


async def _changed(
    visit: Visit, method: str, path: str, body: object, names: list[str], query: dict[str, str] | None = None
) -> Response:
    try:
        await visit.api.call(method, path, body, query=query)
    except Refused as refused:
        if refused.status not in (409, 410, 422):
            raise
        visit.form.refused(refused, names, {"query/from": "depuis", "from": names[0]})
        return await show_enrolment(visit)
    return visit.go(f"{HOME}/annee/{visit.path('enrolment_id')}")


# ---------------------------------------------------------------------- the règlement


async def show_rules(visit: Visit) -> Response:
    rules = await visit.api.get(HouseRules, "/enrolment/v1/house-rules", **visit.family)
    return visit.page("enrolments/rules.html", rules=rules)


async def accept_rules(visit: Visit) -> Response:
    if not visit.form.require(accepte="Lisez le règlement, puis cochez la case."):
        return await show_rules(visit)
    asked = {"version": visit.form.get("version"), "school_year": visit.form.get("annee"), **visit.family}
    try:
        await visit.api.call("POST", "/enrolment/v1/house-rules/acceptances", asked)
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        visit.form.refused(refused, ())
        return await show_rules(visit)
    return visit.go(HOME)


ROUTES = [
    route(HOME, show_enrolments),
    route(f"{HOME}/reglement", show_rules, accept_rules),
    route(f"{HOME}/activites/{{kind}}", show_kind, enrol),
    route(f"{HOME}/annee/{{enrolment_id}}", show_enrolment),
    route(f"{HOME}/annee/{{enrolment_id}}/semaine-type", send=change_week),
    route(f"{HOME}/annee/{{enrolment_id}}/fin", send=withdraw),
]
