"""What an edit of the town's rules would change, and whom it would touch, as an administrator reads it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from french.wording import by_month
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from web.answers.planning import DeadlineChange
from web.answers.touched import Child, Previewed
from web.listings import spreadsheet
from web.refusals import NotFound
from web.visits import Visit

#: The input of what was shown, to be stored as it is, and that of what page of the children is asked for.
WANTED, PAGE = "demande", "suite"
TITLES = ["Dossier", "Enfant", "Activité", "Site", "Ce qui change", "Jours", "Pourquoi"]


@dataclass
class Touched:
    """Of one activity: the days that are no longer, those that are added, and those whose deadlines move."""

    name: str
    closed: list[date] = field(default_factory=list)
    opened: list[date] = field(default_factory=list)
    moved: list[DeadlineChange] = field(default_factory=list)


def touched(changes: Iterable[DeadlineChange]) -> list[Touched]:
    """By activity, in the order of the answer."""
    found: dict[str, Touched] = {}
    for one in changes:
        activity = found.setdefault(one.activity_name, Touched(one.activity_name))
        if one.after is None:
            activity.closed.append(one.date)
        elif one.before is None:
            activity.opened.append(one.date)
        else:
            activity.moved.append(one)
    return list(found.values())


def seen(visit: Visit) -> str:
    """The version that the form was made of. Raises NotFound for what no form of ours says."""
    version = visit.form.get("vu")
    if not version.isdigit():
        raise NotFound
    return version


def checked(visit: Visit) -> dict[str, Any]:
    """What was shown with what follows from it. Raises NotFound for what no form of ours says."""
    try:
        return TypeAdapter(dict[str, Any]).validate_json(visit.form.get(WANTED))
    except ValidationError:
        raise NotFound from None


async def preview(visit: Visit, method: str, api: str, body: Any) -> bytes:
    """What the API answers of that edit, nothing being stored; whom it touches from where the form says. Raises
    Refused.
    """
    query = {"preview": "true", "cursor": visit.form.get(PAGE) or None}
    return await visit.api.call(method, api, body, seen=seen(visit), query=query)


async def export(visit: Visit, method: str, api: str, body: Any) -> Response:
    """Everybody whom that edit would touch, as a file. Raises Refused."""
    children: list[Child] = []
    cursor = None
    while True:
        query = {"preview": "true", "limit": 200, "cursor": cursor}
        said = await visit.api.call(method, api, body, seen=seen(visit), query=query)
        page = Previewed.model_validate_json(said).touched.children
        children += page.items
        cursor = page.next_cursor
        if cursor is None:
            return spreadsheet("familles-concernees", TITLES, [row for child in children for row in _rows(child)])


def _rows(child: Child) -> list[list[str]]:
    return [
        [
            one.dossier_number or "",
            child.child_first_name or "",
            one.activity_name or "",
            one.site_name or "",
            one.in_words,
            by_month(one.days),
            one.reason or "",
        ]
        for one in child.things
    ]


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str]]:
    """What differs, by what a page calls it."""
    return [(name, f"{after[name]} (avant : {said})") for name, said in before.items() if after[name] != said]
