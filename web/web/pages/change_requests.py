"""« Demander une modification »: what an agent decides, old beside new, and what has become of it."""

import asyncio
from datetime import timedelta
from typing import Any

from chassis import clock
from french.calendar import school_year
from french.paris import day_in_paris
from starlette.responses import Response

from web import changes
from web.answers.dossier import Adult, Child, Document
from web.pages.dossier import HERE, REQUESTS, school_names
from web.refusals import NotFound, Refused
from web.visits import Visit, route

#: The inputs that say of whom, and which documents are joined.
OF, JOINED = "de", "document"
MOST_JOINED = 10


async def show_request(visit: Visit) -> Response:
    kind, subject = await _asked(visit)
    for name, value in (await _present(visit, kind, subject)).items():
        visit.form.values[name] = [str(value)]
    return await _page(visit, kind, subject)


async def _asked(visit: Visit) -> tuple[str, Adult | Child | None]:
    """The kind in the path, and whom it is about. Raises NotFound."""
    kind = visit.path("kind")
    if kind not in changes.KINDS:
        raise NotFound
    of = changes.KINDS[kind].of
    if not of:
        return kind, None
    people: list[Adult | Child] = getattr(await visit.dossier(), of)
    wanted = visit.query(OF) or visit.form.get(OF)
    for one in people:
        if one.id == wanted:
            return kind, one
    raise NotFound


async def _present(visit: Visit, kind: str, subject: Adult | Child | None) -> dict[str, Any]:
    """What the dossier says, by field; nothing of what it does not say."""
    dossier = await visit.dossier()
    found: Any = {"address": dossier.address, "quotient": dossier.quotient}.get(kind, subject)
    if kind == "school" and isinstance(subject, Child):
        found = next((one for one in subject.schooling if one.school_year == years()[0]), None)
    values = {name: getattr(found, name, None) for name in changes.KINDS[kind].fields}
    return {name: value for name, value in values.items() if value is not None}


def years() -> list[str]:
    """The present school year and the next."""
    today = day_in_paris(clock.now())
    return [school_year(today), school_year(today + timedelta(days=365))]


async def _page(visit: Visit, kind: str, subject: Adult | Child | None) -> Response:
    present, schools, documents = await asyncio.gather(
        _present(visit, kind, subject), school_names(visit), _documents(visit)
    )
    options = {
        "source": list(changes.SOURCES.items()),
        "level": list(changes.LEVELS.items()),
        "school_id": list(schools.items()),
        "school_year": [(year, year) for year in years()],
    }
    return visit.page(
        "dossier/request.html",
        kind=kind,
        known=changes.KINDS[kind],
        changes=changes,
        subject=subject,
        present={name: changes.said(name, value, schools) for name, value in present.items()},
        options=options,
        documents=documents,
    )


async def _documents(visit: Visit) -> list[Document]:
    """Those that were handed in; none where they cannot be told now."""
    try:
        dossier = await visit.dossier()
        return await visit.api.all(Document, f"/dossier/v1/dossiers/{dossier.id}/documents")
    except Refused:
        return []


async def ask(visit: Visit) -> Response:
    kind, subject = await _asked(visit)
    form, fields = visit.form, changes.KINDS[kind].fields
    change: dict[str, Any] = {"kind": kind} | {name: value for name, value in form.picked(*fields).items() if value}
    if kind == "quotient":
        change["value"] = form.number("value")
    if kind == "custody":
        change["days"] = _days(form.all("days"))
    if subject:
        change["child_id" if isinstance(subject, Child) else "adult_id"] = subject.id
    body = {
        "change": change,
        "document_ids": form.all(JOINED)[:MOST_JOINED],
        "comment": form.get("comment").strip() or None,
    }
    dossier = await visit.dossier()
    try:
        await visit.api.call("POST", f"/dossier/v1/dossiers/{dossier.id}/change-requests", body)
        return visit.go(f"{HERE}?demande")
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        inputs = {f"change/{name}": name for name in fields} | {"change": ""}
        form.refused(refused, [*fields, "comment"], inputs)
        return await _page(visit, kind, subject)


def _days(ticked: list[str]) -> list[str]:
    """Of two weeks from Monday on, those that are ticked are the family's own; of one where the second is the same."""
    days = ["own" if str(at) in ticked else "other" for at in range(14)]
    return days[:7] if days[:7] == days[7:] else days


async def withdraw(visit: Visit) -> Response:
    await visit.api.call("DELETE", f"{REQUESTS}/{visit.path('request_id')}")
    return visit.go(f"{HERE}?retiree")


ROUTES = [
    route(f"{HERE}/demandes/{{kind}}", show_request, ask),
    route(f"{HERE}/demandes/{{request_id}}/retrait", send=withdraw),
]
