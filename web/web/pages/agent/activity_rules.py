"""An activity's days, deadlines and places: said, what follows from it shown first, then stored."""

import json
from typing import Any

from pydantic import TypeAdapter
from starlette.responses import Response

from web import previews
from web.answers.enrolment import Site
from web.answers.planning import Changes, Rules
from web.answers.touched import Previewed
from web.months import WEEKDAYS
from web.previews import touched
from web.refusals import Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

DAYS = dict(zip(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), WEEKDAYS, strict=True))
DEADLINES = {"booking": "Réserver jusqu'à", "cancellation": "Annuler jusqu'à"}
KINDS = {
    "days_before": "un nombre de jours avant",
    "weekday_before": "un jour d'une semaine d'avant",
    "day_of_month_before": "une date d'un mois d'avant",
    "none": "sans délai, jusqu'au jour même",
}
#: The numbers of each kind, with what they are called.
NUMBERS = {
    "days_before": {"n": "Combien de jours avant"},
    "weekday_before": {"weeks": "Combien de semaines avant"},
    "day_of_month_before": {"day": "Quel jour du mois", "months": "Combien de mois avant"},
    "none": {},
}
EMPTY_BANDS = 3
STALE = "Quelqu'un d'autre a modifié ces règles entre-temps : voici comment elles sont maintenant."
NUMBER = "Indiquez un nombre entier."


def _path(activity_id: str) -> str:
    return f"/agent/catalogue/activites/{activity_id}/regles"


def _api(activity_id: str) -> str:
    return f"/planning/v1/activities/{activity_id}/rules"


async def show(visit: Visit) -> Response:
    activity_id = visit.path("activity_id")
    rules, version = await visit.api.versioned(Rules, _api(activity_id))
    if not visit.form.values:
        visit.form.values = _as_inputs(rules)
    return visit.page(
        "agent/activity_rules.html",
        rules=rules,
        version=version,
        path=_path(activity_id),
        sites=await visit.api.all(Site, "/enrolment/v1/sites"),
        days=DAYS,
        deadlines=DEADLINES,
        kinds=KINDS,
        numbers=NUMBERS,
        bands=range(_bands(visit)),
        stored="enregistre" in visit.request.query_params,
    )


async def check(visit: Visit) -> Response:
    activity_id = visit.path("activity_id")
    wanted = previews.checked(visit) if visit.form.get(previews.WANTED) else _wanted(visit)
    if visit.form.errors:
        return await show(visit)
    try:
        said = await previews.preview(visit, "PUT", _api(activity_id), wanted)
    except Refused as refused:
        return await _refused(visit, refused)
    rules = TypeAdapter(dict[str, Any]).validate_json(said)["rules"]
    return visit.page(
        "agent/activity_rules_check.html",
        rules=Rules.model_validate(rules),
        wanted=json.dumps(wanted),
        version=previews.seen(visit),
        path=_path(activity_id),
        days=DAYS,
        activities=touched(Changes.model_validate_json(said).changes),
        touched=Previewed.model_validate_json(said).touched,
    )


async def export_touched(visit: Visit) -> Response:
    """Of the page above: everybody whom these rules touch."""
    try:
        return await previews.export(visit, "PUT", _api(visit.path("activity_id")), previews.checked(visit))
    except Refused as refused:
        return await _refused(visit, refused)


async def store(visit: Visit) -> Response:
    activity_id, wanted = visit.path("activity_id"), previews.checked(visit)
    try:
        await visit.api.call("PUT", _api(activity_id), wanted, seen=previews.seen(visit))
    except Refused as refused:
        return await _refused(visit, refused)
    return visit.go(f"{_path(activity_id)}?enregistre")


async def _refused(visit: Visit, refused: Refused) -> Response:
    if refused.status == 412 or visit.form.get(previews.WANTED):
        visit.form.values = {}  # as they are now
    if refused.status == 412:
        visit.form.refuse("", STALE)
    elif refused.status in (409, 422):
        visit.form.refused(refused, ())
    else:
        raise refused
    return await show(visit)


# ---------------------------------------------------------------------- the inputs


def _as_inputs(rules: Rules) -> dict[str, list[str]]:
    values = {"weekdays": rules.weekdays}
    for name, rule in (("booking", rules.booking_deadline), ("cancellation", rules.cancellation_deadline)):
        values[f"{name}_rule"] = [rule.rule]
        if rule.time:
            values[f"{name}_time"] = [f"{rule.time:%H:%M}"]
        if rule.weekday:
            values[f"{name}_weekday"] = [rule.weekday]
        if rule.working_days:
            values[f"{name}_working_days"] = ["oui"]
        for part in ("n", "weeks", "day", "months"):
            if (number := getattr(rule, part)) is not None:
                values[f"{name}_{part}"] = [str(number)]
    for place, band in enumerate(rules.bands):
        values[f"band{place}_from"], values[f"band{place}_to"] = [str(band.ages[0])], [str(band.ages[1])]
        values[f"band{place}_places"], values[f"band{place}_site"] = [str(band.places)], [band.site_id or ""]
    return values


def _bands(visit: Visit) -> int:
    """How many rows of places the form has: those filled, and some more."""
    filled = [name for name in visit.form.values if name.startswith("band") and name.endswith("_places")]
    used = [int(name[4:-7]) for name in filled if name[4:-7].isdigit() and visit.form.get(name)]
    return min(max(used, default=-1) + 1, 500) + EMPTY_BANDS


def _wanted(visit: Visit) -> dict[str, Any]:
    form = visit.form
    return {
        "weekdays": [day for day in DAYS if day in form.all("weekdays")],
        **{f"{name}_deadline": _deadline(visit, name) for name in DEADLINES},
        "bands": [band for place in range(_bands(visit)) if (band := _band(visit, place))],
    }


def _deadline(visit: Visit, name: str) -> dict[str, Any]:
    form, kind = visit.form, visit.form.get(f"{name}_rule")
    if kind not in KINDS:
        form.refuse(f"{name}_rule", "Choisissez une règle.")
        return {}
    rule: dict[str, Any] = {"rule": kind}
    if kind == "none":
        return rule
    if not form.get(f"{name}_time"):
        form.refuse(f"{name}_time", "Indiquez une heure, par exemple 09:00.")
    rule["time"] = form.get(f"{name}_time")
    rule |= {part: _number(visit, f"{name}_{part}") for part in NUMBERS[kind]}
    if kind == "days_before":
        rule["working_days"] = form.get(f"{name}_working_days") == "oui"
    if kind == "weekday_before":
        rule["weekday"] = form.get(f"{name}_weekday")
    return rule


def _band(visit: Visit, place: int) -> dict[str, Any] | None:
    """None where the row is empty."""
    form = visit.form
    if not any(form.get(f"band{place}_{part}").strip() for part in ("from", "to", "places")):
        return None
    ages = [_number(visit, f"band{place}_{part}") for part in ("from", "to")]
    return {
        "ages": ages,
        "places": _number(visit, f"band{place}_places"),
        "site_id": form.get(f"band{place}_site") or None,
    }


def _number(visit: Visit, name: str) -> int:
    said = visit.form.get(name).strip()
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        visit.form.refuse(name, NUMBER)
        return 0
    return int(said)


ROUTES = [
    route(_path("{activity_id}"), show, store, roles=ADMINISTRATORS),
    route(f"{_path('{activity_id}')}/verification", send=check, roles=ADMINISTRATORS),
    route(f"{_path('{activity_id}')}/verification.csv", send=export_touched, roles=ADMINISTRATORS),
]
