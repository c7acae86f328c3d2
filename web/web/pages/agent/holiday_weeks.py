"""The weeks of an extrascolaire activity: listed, opened, and changed; more places or fewer want a reason.

Whom a change touches is shown before it is stored.
"""

import json
from datetime import date, timedelta
from typing import Any

from french.calendar import is_working_day
from french.wording import by_month, day, moment
from starlette.responses import Response

from web import previews
from web.answers.enrolment import Entry, WeekEdition
from web.answers.touched import Previewed
from web.listings import Column, Filter, Listing
from web.pages.agent.catalogue import API, PATH, STALE, WRONG_MOMENT
from web.paris import as_input, as_moment
from web.refusals import Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

WEEKS_API, WEEK = "/enrolment/v1/holiday-weeks", f"{PATH}/semaines"
MOMENTS = ("booking_opens_at", "residents_open_at", "booking_closes_at", "cancellation_closes_at")
NUMBERS = ("youngest", "oldest", "places", "hold_minutes")
NAMES = ("name", "group", "dates", "reason", *MOMENTS, *NUMBERS)
#: A week's days are said by the first and the last: so many at most are between.
LONGEST = timedelta(days=14)


def _of(activity_id: str) -> Listing[WeekEdition]:
    return Listing(
        f"{PATH}/activites/{activity_id}/semaines",
        "Semaines de vacances",
        WeekEdition,
        f"{API}/{activity_id}/holiday-weeks",
        [
            Column("Semaine", lambda one: one.name, lambda one: f"{WEEK}/{one.id}"),
            Column("Groupe", lambda one: one.group),
            Column("Du", lambda one: day(one.dates[0])),
            Column("Places", lambda one: str(one.places)),
            Column("Prises", lambda one: str(one.taken)),
            Column("Réserver avant", lambda one: moment(one.booking_closes_at)),
        ],
        [Filter("from", "À partir du", kind="date")],
        roles=ADMINISTRATORS,
        nothing="Aucune semaine.",
        template="agent/weeks.html",
    )


async def show_weeks(visit: Visit) -> Response:
    return await _of(visit.path("activity_id")).show(visit)


async def export_weeks(visit: Visit) -> Response:
    return await _of(visit.path("activity_id")).export(visit)


async def show_new(visit: Visit) -> Response:
    activity = await visit.api.get(Entry, f"{API}/{visit.path('activity_id')}")
    return visit.page(
        "agent/week.html", week=None, activity=activity, path=f"{PATH}/activites/{activity.id}/semaines/nouvelle"
    )


async def show_week(visit: Visit) -> Response:
    week = await visit.api.get(WeekEdition, f"{WEEKS_API}/{visit.path('week_id')}")
    if not visit.form.values:
        visit.form.values = _as_inputs(week)
    return visit.page(
        "agent/week.html",
        week=week,
        activity=None,
        path=f"{WEEK}/{week.id}",
        stored="enregistre" in visit.request.query_params,
    )


def _as_inputs(week: WeekEdition) -> dict[str, list[str]]:
    values = {"name": [week.name], "group": [week.group], "dates": [str(week.dates[0])], "last": [str(week.dates[-1])]}
    values |= {name: [as_input(getattr(week, name))] for name in MOMENTS}
    numbers = (*week.ages, week.places, week.hold_minutes)
    return values | {name: [str(number)] for name, number in zip(NUMBERS, numbers, strict=True)}


def _asked(visit: Visit) -> dict[str, Any]:
    form = visit.form
    asked: dict[str, Any] = form.picked("name", "group")
    for name in MOMENTS:
        try:
            asked[name] = as_moment(form.get(name))
        except ValueError:
            form.refuse(name, WRONG_MOMENT)
        if asked.get(name) is None and name.endswith("closes_at"):
            form.refuse(name, WRONG_MOMENT)
    found = {name: form.get(name).strip() for name in NUMBERS}
    for name, said in found.items():
        if not (said.isascii() and said.isdigit() and len(said) < 7):
            form.refuse(name, "Indiquez un nombre entier.")
    if not form.errors:
        asked["ages"] = [int(found["youngest"]), int(found["oldest"])]
        asked |= {name: int(found[name]) for name in ("places", "hold_minutes")}
    try:
        first, last = (date.fromisoformat(form.get(name)) for name in ("dates", "last"))
    except ValueError:
        form.refuse("dates", "Indiquez le premier et le dernier jour.")
        return asked
    days = (first + timedelta(days=n) for n in range(min(last - first, LONGEST).days + 1))
    asked["dates"] = [one.isoformat() for one in days if is_working_day(one)]
    return asked


async def add(visit: Visit) -> Response:
    asked = {**_asked(visit), "activity_id": visit.path("activity_id")}
    if not visit.form.errors:
        try:
            made = await visit.api.post(WeekEdition, WEEKS_API, asked)
            return visit.go(f"{WEEK}/{made.id}?enregistre")
        except Refused as refused:
            _refused(visit, refused)
    return await show_new(visit)


async def check(visit: Visit) -> Response:
    """Nothing is stored: what changes, and whom it touches."""
    api, form = f"{WEEKS_API}/{visit.path('week_id')}", visit.form
    asked = previews.checked(visit) if form.get(previews.WANTED) else _asked(visit)
    if form.errors:
        return await show_week(visit)
    before = await visit.api.get(WeekEdition, api)
    if not form.get(previews.WANTED):
        _leave_out(visit, asked, before)
    try:
        said = await previews.preview(visit, "PATCH", api, asked)
    except Refused as refused:
        _refused(visit, refused)
        return await show_week(visit)
    return visit.page(
        "agent/edit_check.html",
        name=f"{before.name}, {before.group}",
        changed=previews.changed(_in_words(before), _in_words(WeekEdition.model_validate_json(said))),
        touched=Previewed.model_validate_json(said).touched,
        wanted=json.dumps(asked),
        version=previews.seen(visit),
        path=f"{WEEK}/{before.id}",
    )


def _leave_out(visit: Visit, asked: dict[str, Any], week: WeekEdition) -> None:
    """What has not changed is not sent: the days of a booked week may not be, the places want a reason."""
    ends = [str(week.dates[0]), str(week.dates[-1])]
    if [visit.form.get("dates"), visit.form.get("last")] == ends:
        asked.pop("dates")
    if reason := visit.form.get("reason").strip():
        asked["reason"] = reason


async def export_touched(visit: Visit) -> Response:
    """Of the page above: everybody whom the change touches."""
    try:
        return await previews.export(visit, "PATCH", f"{WEEKS_API}/{visit.path('week_id')}", previews.checked(visit))
    except Refused as refused:
        _refused(visit, refused)
    return await show_week(visit)


def _in_words(week: WeekEdition) -> dict[str, str]:
    """All that a change may be about."""
    opens, early = (one and moment(one) for one in (week.booking_opens_at, week.residents_open_at))
    return {
        "Nom": week.name,
        "Groupe": week.group,
        "Âges": f"de {week.ages[0]} à {week.ages[1]} ans",
        "Jours": by_month(week.dates),
        "Places": str(week.places),
        "Minutes pendant lesquelles une place est gardée": str(week.hold_minutes),
        "Les réservations ouvrent": opens or "tout de suite",
        "Pour les habitants": early or "comme pour tous",
        "Les réservations se closent": moment(week.booking_closes_at),
        "Annulation remboursée jusqu'au": moment(week.cancellation_closes_at),
    }


async def change(visit: Visit) -> Response:
    week_id, asked = visit.path("week_id"), previews.checked(visit)
    try:
        await visit.api.call("PATCH", f"{WEEKS_API}/{week_id}", asked, seen=previews.seen(visit))
        return visit.go(f"{WEEK}/{week_id}?enregistre")
    except Refused as refused:
        _refused(visit, refused)
    return await show_week(visit)


def _refused(visit: Visit, refused: Refused) -> None:
    if refused.status == 412 or visit.form.get(previews.WANTED):
        visit.form.values = {}
    if refused.status == 412:
        visit.form.refuse("", STALE)
    elif refused.status in (409, 422):
        visit.form.refused(refused, NAMES, {"ages": "youngest"})
    else:
        raise refused


ROUTES = [
    route(f"{PATH}/activites/{{activity_id}}/semaines", show_weeks, roles=ADMINISTRATORS),
    route(f"{PATH}/activites/{{activity_id}}/semaines.csv", export_weeks, roles=ADMINISTRATORS),
    route(f"{PATH}/activites/{{activity_id}}/semaines/nouvelle", show_new, add, roles=ADMINISTRATORS),
    route(f"{WEEK}/{{week_id}}", show_week, change, roles=ADMINISTRATORS),
    route(f"{WEEK}/{{week_id}}/verification", send=check, roles=ADMINISTRATORS),
    route(f"{WEEK}/{{week_id}}/verification.csv", send=export_touched, roles=ADMINISTRATORS),
]
