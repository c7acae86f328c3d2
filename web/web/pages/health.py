"""A child's health record: read and changed by its guardians, and who has read it."""

from typing import Any

from starlette.responses import Response

from web.answers import Page
from web.answers.dossier import Access, Child, Health
from web.lines import MORE
from web.pages.dossier import HERE as DOSSIER
from web.pages.dossier import child_of
from web.pages.dossier_edits import overtaken, seen
from web.refusals import Refused
from web.visits import REASON, Visit, route

HERE = f"{DOSSIER}/enfants/{{child_id}}/sante"
WORDS = ("allergies", "treatments", "remarks")
PAI = ("valid_from", "valid_to", "instructions")
DOCTOR = ("name", "phone")
VACCINE = ("name", "date")
#: Of vaccines, on one page.
MOST_LINES = 50
ROLES = {"agent": "Un agent du guichet", "site_staff": "L'équipe d'accueil", "administrator": "Un administrateur"}
SHOWN = 100
WHY = "Indiquez pourquoi vous consultez cette fiche : la famille le verra."


async def show_health(visit: Visit) -> Response:
    """The record, in a form. An agent says first why they read it."""
    child, reason = child_of(visit, await visit.dossier()), visit.query(REASON).strip()
    if visit.acting and not reason:
        if REASON in visit.request.query_params:
            visit.form.refuse(REASON, WHY)
        return visit.page("dossier/health_reason.html", child=child)
    more = {"reason": reason} if visit.acting else {}
    try:
        record = await visit.api.get(Health, f"/dossier/v1/children/{child.id}/health", **visit.family, **more)
    except Refused as refused:
        if not refused.errors:
            raise
        visit.form.refused(refused, [REASON], {"query/reason": REASON})
        return visit.page("dossier/health_reason.html", child=child)
    _offer(visit, record)
    return _page(visit, child, record.version, len(record.vaccines))


def _offer(visit: Visit, record: Health) -> None:
    """Fill the form with what is there."""
    values: dict[str, Any] = {name: getattr(record, name) for name in WORDS}
    values |= {f"pai-{name}": getattr(record.pai, name, None) for name in PAI}
    values |= {f"doctor-{name}": getattr(record.doctor, name, None) for name in DOCTOR}
    for row, vaccine in enumerate(record.vaccines):
        values |= {f"vaccine-{row}-{name}": getattr(vaccine, name) for name in VACCINE}
    for name, value in values.items():
        visit.form.values[name] = ["" if value is None else str(value)]


def _page(visit: Visit, child: Child, version: int | str, vaccines: int) -> Response:
    return visit.page(
        "dossier/health.html", child=child, version=version, lines=range(min(vaccines + MORE, MOST_LINES))
    )


async def change_health(visit: Visit) -> Response:
    child, version = child_of(visit, await visit.dossier()), seen(visit)
    rows = [row for row in range(MOST_LINES) if any(_line(visit, row).values())]
    body: dict[str, Any] = {name: value or None for name, value in visit.form.picked(*WORDS).items()}
    body |= {"pai": _group(visit, "pai", PAI), "doctor": _group(visit, "doctor", DOCTOR)}
    body["vaccines"] = [{name: value or None for name, value in _line(visit, row).items()} for row in rows]
    try:
        path = f"/dossier/v1/children/{child.id}/health"
        await visit.api.call("PUT", path, body | visit.family, seen=version)
        return visit.go(f"{DOSSIER}?modifie")
    except Refused as refused:
        if overtaken(visit, refused):
            return await show_health(visit)
        visit.form.refused(refused, _inputs(), _instead(rows))
        return _page(visit, child, version, max(rows, default=-1) + 1)


def _line(visit: Visit, row: int) -> dict[str, str]:
    return {name: visit.form.get(f"vaccine-{row}-{name}").strip() for name in VACCINE}


def _group(visit: Visit, group: str, fields: tuple[str, ...]) -> dict[str, str | None] | None:
    """What was written of it; none: nothing."""
    said = {name: visit.form.get(f"{group}-{name}").strip() or None for name in fields}
    return said if any(said.values()) else None


def _inputs() -> list[str]:
    groups = [f"pai-{name}" for name in PAI] + [f"doctor-{name}" for name in DOCTOR]
    return [*WORDS, *groups, *(f"vaccine-{row}-{name}" for row in range(MOST_LINES) for name in VACCINE)]


def _instead(rows: list[int]) -> dict[str, str]:
    """The API counts the vaccines that were sent, the page its lines."""
    lines = {f"vaccines/{n}/{name}": f"vaccine-{row}-{name}" for n, row in enumerate(rows) for name in VACCINE}
    groups = {f"pai/{name}": f"pai-{name}" for name in PAI} | {f"doctor/{name}": f"doctor-{name}" for name in DOCTOR}
    return lines | groups


async def show_accesses(visit: Visit) -> Response:
    child = child_of(visit, await visit.dossier())
    found = await visit.api.get(Page[Access], f"/dossier/v1/children/{child.id}/accesses", limit=SHOWN)
    return visit.page("dossier/accesses.html", child=child, accesses=found.items, roles=ROLES)


#: What is a guardian's alone.
OWN = [route(f"{HERE}/lectures", show_accesses)]
ROUTES = [route(HERE, show_health, change_health)]
