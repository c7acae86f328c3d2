"""The children of a family's dossier, at the desk: one is added, and where it goes to school each year is said."""

from collections.abc import Collection
from typing import Any

from starlette.responses import Response

from web import changes
from web.answers.dossier import Child, Dossier, Schooling
from web.answers.enrolment import Site
from web.forms import Form
from web.pages.agent.checked import FAMILY, family, page_of
from web.pages.agent.dossiers import API
from web.pages.change_requests import years
from web.pages.dossier import child_of
from web.pages.dossier_edits import overtaken, seen
from web.refusals import Refused
from web.roles import AGENTS
from web.visits import Visit, route

#: The input that says of which school years a form speaks; the others of a year end by it (« level-2026-2027 »).
YEAR = "annee"
SCHOOL = ("school_id", "level", "class_name")
FIELDS = ("first_name", "last_name", "birth_date", "resident")


async def _schools(visit: Visit, known: Collection[Schooling]) -> dict[str, str]:
    """Those of the catalogue, and those that are said of a child. Raises Refused: without them, none could stay."""
    found = await visit.api.all(Site, "/enrolment/v1/sites")
    gone = {one.school_id: "École qui n'est plus au catalogue" for one in known}
    return gone | {one.id: one.name for one in found if one.kind in ("", "school")}


def _offered(form: Form, known: Collection[Schooling]) -> list[str]:
    """The school years of a form: those known, which fill its inputs, the present and the next."""
    for one in known:
        for field in SCHOOL:
            form.values[f"{field}-{one.school_year}"] = [getattr(one, field) or ""]
    return sorted({*years(), *(one.school_year for one in known)})


def _said(form: Form) -> list[dict[str, str]]:
    """As the API takes it; nothing of the years in which nothing is written."""
    written = [(year, form.filled(*(f"{field}-{year}" for field in SCHOOL))) for year in form.all(YEAR)]
    return [
        {"school_year": year, **{name.removesuffix(f"-{year}"): value for name, value in inputs.items()}}
        for year, inputs in written
        if inputs
    ]


def _inputs(schooling: Collection[dict[str, str]]) -> dict[str, str]:
    """The input of each field that the API may name."""
    return {
        f"schooling/{at}/{field}": f"{'school_id' if field == 'school_year' else field}-{one['school_year']}"
        for at, one in enumerate(schooling)
        for field in ("school_year", *SCHOOL)
    }


async def show_new(visit: Visit) -> Response:
    return await _page(visit, "agent/child_new.html", await family(visit))


async def _page(visit: Visit, template: str, theirs: Dossier, child: Child | None = None) -> Response:
    known = child.schooling if child else ()
    return visit.page(
        template,
        family=theirs,
        child=child,
        schools=await _schools(visit, known),
        years=visit.form.all(YEAR) or _offered(visit.form, known),
        levels=changes.LEVELS,
    )


async def add(visit: Visit) -> Response:
    form, schooling = visit.form, _said(visit.form)
    body: dict[str, Any] = {**form.filled("first_name", "last_name", "birth_date"), "schooling": schooling}
    if form.get("resident"):
        body["resident"] = form.get("resident") == "oui"
    try:
        await visit.api.call("POST", f"{API}/{visit.path('dossier_id')}/children", body)
        return visit.go(f"{page_of(visit)}?enfant-ajoute")
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        instead = _inputs(schooling)
        form.refused(refused, [*FIELDS, *instead.values()], instead)
        return await show_new(visit)


async def show_schooling(visit: Visit) -> Response:
    theirs = await family(visit)
    return await _page(visit, "agent/schooling.html", theirs, child_of(visit, theirs))


async def change_schooling(visit: Visit) -> Response:
    """Each school year that the page has shown: one that is emptied is forgotten."""
    schooling = _said(visit.form)
    body = {"dossier_id": visit.path("dossier_id"), "schooling": schooling}
    try:
        path = f"/dossier/v1/children/{visit.path('child_id')}/schooling"
        await visit.api.call("PUT", path, body, seen=seen(visit))
        return visit.go(f"{page_of(visit)}?modifie")
    except Refused as refused:
        if not overtaken(visit, refused):
            instead = _inputs(schooling)
            visit.form.refused(refused, instead.values(), instead)
        return await show_schooling(visit)


ROUTES = [
    route(f"{FAMILY}/enfants/nouveau", show_new, add, roles=AGENTS),
    route(f"{FAMILY}/enfants/{{child_id}}/scolarite", show_schooling, change_schooling, roles=AGENTS),
]
