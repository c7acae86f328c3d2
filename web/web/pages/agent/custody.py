"""Whose the days of a child of two dossiers are: rhythms from a day on, and exceptions, as this dossier says them."""

from datetime import date
from typing import Any

from chassis import clock
from french.paris import day_in_paris
from starlette.responses import Response

from web import lines
from web.answers.dossier import Child, Custody, Dossier
from web.changes import WEEK
from web.custody import FOR_THE_DESK, shown
from web.forms import Form
from web.pages.agent.checked import FAMILY, Wanted, checked, family
from web.pages.dossier import child_of
from web.pages.dossier_edits import SEEN
from web.roles import AGENTS
from web.visits import Visit, route

#: The lines of the form and their fields.
RHYTHM, EXCEPTION = "rythme", "exception"
FIRST, SECOND = "first", "second"
EVERY = {"week": "Toutes les semaines sont pareilles", "fortnight": "Une semaine sur deux"}
WHOSE = {"own": "dans ce dossier", "other": "dans l'autre dossier"}
NO_DAY = "Indiquez à partir de quel jour."


def _api(child: Child) -> str:
    return f"/dossier/v1/children/{child.id}/custody"


async def show(visit: Visit) -> Response:
    dossier, form = await family(visit), visit.form
    child = child_of(visit, dossier)
    custody, version = await visit.api.versioned(Custody, _api(child), dossier_id=dossier.id)
    other_id = custody.other_dossier_id
    if SEEN not in form.values:
        _fill(form, custody)
    return visit.page(
        "agent/child_custody.html",
        dossier=dossier,
        child=child,
        shared=custody.shared,
        version=version,
        other=await visit.api.get(Dossier, f"/dossier/v1/dossiers/{other_id}") if other_id else None,
        rhythms=lines.shown_again(form, RHYTHM, ("from", FIRST, SECOND))[:-1],
        exceptions=lines.shown_again(form, EXCEPTION, ("from", "to")),
        every=list(EVERY.items()),
        whose=list(WHOSE.items()),
        week=list(enumerate(WEEK)),
    )


def _fill(form: Form, custody: Custody) -> None:
    for row, one in enumerate(custody.patterns):
        form.values |= {
            lines.name_of(RHYTHM, row, "from"): [one.valid_from.isoformat()],
            lines.name_of(RHYTHM, row, "every"): ["week" if len(one.days) == len(WEEK) else "fortnight"],
            lines.name_of(RHYTHM, row, FIRST): _own(one.days[: len(WEEK)]),
            lines.name_of(RHYTHM, row, SECOND): _own(one.days[len(WEEK) :]),
        }
    for row, other in enumerate(custody.exceptions):
        form.values |= {
            lines.name_of(EXCEPTION, row, "from"): [other.first_day.isoformat()],
            lines.name_of(EXCEPTION, row, "to"): [other.last_day.isoformat()],
            lines.name_of(EXCEPTION, row, "whose"): [other.whose],
        }


def _own(days: list[str]) -> list[str]:
    return [str(at) for at, whose in enumerate(days) if whose == "own"]


async def give(visit: Visit) -> Response:
    dossier, form = await family(visit), visit.form
    child = child_of(visit, dossier)
    rhythms = lines.sent(form, RHYTHM, ("from", FIRST, SECOND))
    exceptions = lines.sent(form, EXCEPTION, ("from", "to"))
    for group, some in ((RHYTHM, rhythms), (EXCEPTION, exceptions)):
        for row, line in some:
            if not line["from"]:
                form.refuse(lines.name_of(group, row, "from"), NO_DAY)
            if group == EXCEPTION and form.get(lines.name_of(group, row, "whose")) not in WHOSE:
                form.refuse(lines.name_of(group, row, "whose"), "Indiquez où est l'enfant.")
    body: dict[str, Any] = {
        "dossier_id": dossier.id,
        "patterns": [{"from": line["from"], "days": _days(form, row)} for row, line in rhythms],
        "exceptions": [
            {
                "from": line["from"],
                "to": line["to"] or line["from"],
                "whose": form.get(lines.name_of(EXCEPTION, row, "whose")),
            }
            for row, line in exceptions
        ],
    }
    inputs = lines.inputs("patterns", RHYTHM, ("from",), rhythms)
    inputs |= lines.inputs("exceptions", EXCEPTION, ("from", "to", "whose"), exceptions)
    wanted = Wanted(
        f"Calendrier de garde de {child.first_name}",
        "PUT",
        _api(child),
        body,
        inputs=inputs,
        template="agent/child_custody_check.html",
        more=lambda: {"calendar": shown(_said(body), _today(), FOR_THE_DESK)},
    )
    return await checked(visit, wanted, show)


def _days(form: Form, row: int) -> list[str]:
    """Of one week from Monday on, or of two."""
    weeks = (FIRST, SECOND) if form.get(lines.name_of(RHYTHM, row, "every")) == "fortnight" else (FIRST,)
    ticked = [form.all(lines.name_of(RHYTHM, row, week)) for week in weeks]
    return ["own" if str(at) in some else "other" for some in ticked for at in range(len(WEEK))]


def _said(body: dict[str, Any]) -> Custody:
    """In order."""
    return Custody.model_validate(
        {name: sorted(body[name], key=lambda one: str(one["from"])) for name in ("patterns", "exceptions")}
    )


def _today() -> date:
    return day_in_paris(clock.now())


ROUTES = [route(f"{FAMILY}/enfants/{{child_id}}/garde", show, give, roles=AGENTS)]
