"""What of « Mon dossier » is changed at once: who is called, a child's menu and consents, who picks it up."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from web import changes
from web.answers.dossier import Child, Dossier
from web.pages.dossier import HERE
from web.refusals import NotFound, Refused
from web.visits import Visit, route

#: The input of the version that was seen.
SEEN = "vu"
STALE = "urn:problem:stale"
OVERTAKEN = (
    "Quelqu'un d'autre a modifié ces informations entre-temps : voici ce qui est enregistré maintenant. Vérifiez, puis"
    " refaites votre modification."
)
#: Empty lines, for people to be added.
MORE = 2

CONTACT = ("first_name", "last_name", "phone")
AUTHORISED = ("first_name", "last_name", "phone", "relation")
FORBIDDEN = ("first_name", "last_name", "decision")


def _input(group: str, row: int, field: str) -> str:
    return f"{group}-{row}-{field}"


def _offer(visit: Visit, group: str, fields: Sequence[str], people: Iterable[Any]) -> list[int]:
    """Fill the lines of a form with those who are there; their numbers, with some empty ones."""
    known = list(people)
    for row, person in enumerate(known):
        for field in fields:
            visit.form.values[_input(group, row, field)] = [getattr(person, field) or ""]
    return list(range(len(known) + MORE))


def _sent(visit: Visit, group: str, fields: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The lines in which something is written, with their numbers."""
    numbers = sorted(
        {int(name.split("-")[1]) for name in visit.form.values if name.startswith(f"{group}-") and _numbered(name)}
    )
    found = [(row, {field: visit.form.get(_input(group, row, field)).strip() for field in fields}) for row in numbers]
    return [(row, line) for row, line in found if any(line.values())]


def _numbered(name: str) -> bool:
    parts = name.split("-")
    return len(parts) == 3 and parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 4


def _lines(visit: Visit, group: str, known: int) -> list[int]:
    """The numbers of the lines to show again after a refusal."""
    sent = [row for row, _ in _sent(visit, group, FIELDS[group])]
    return list(range(max([known - 1, *sent]) + 1 + MORE))


FIELDS: Mapping[str, Sequence[str]] = {"contact": CONTACT, "personne": AUTHORISED, "interdite": FORBIDDEN}


def seen(visit: Visit) -> str:
    """Raises NotFound for what no page of ours has said."""
    said = visit.form.get(SEEN)
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        raise NotFound
    return said


def overtaken(visit: Visit, refused: Refused) -> bool:
    """Whether somebody else was first: then what is there now is shown, and not what was typed. Raises Refused."""
    if refused.type == STALE:
        visit.form.values.clear()
        visit.known = None
        visit.form.refuse("", OVERTAKEN)
        return True
    if refused.status not in (409, 422):
        raise refused
    return False


# ---------------------------------------------------------------------- who is called


def _contacts(dossier: Dossier) -> list[Any]:
    return [one for one in dossier.adults if one.roles == ["contact"]]


def _others(dossier: Dossier) -> list[Any]:
    return [one for one in dossier.adults if one.roles != ["contact"]]


async def show_contacts(visit: Visit) -> Response:
    dossier = await visit.dossier()
    for adult in _others(dossier):
        visit.form.values[f"phone-{adult.id}"] = [adult.phone or ""]
        visit.form.values[f"email-{adult.id}"] = [adult.email or ""]
    return _contacts_page(visit, dossier, _offer(visit, "contact", CONTACT, _contacts(dossier)))


def _contacts_page(visit: Visit, dossier: Dossier, lines: list[int]) -> Response:
    return visit.page("dossier/contacts.html", dossier=dossier, adults=_others(dossier), lines=lines, changes=changes)


async def change_contacts(visit: Visit) -> Response:
    dossier, form = await visit.dossier(), visit.form
    adults = [one for one in _others(dossier) if f"phone-{one.id}" in form.values]
    lines = _sent(visit, "contact", CONTACT)
    emails = {one.id: one.email for one in _contacts(dossier)}
    body: dict[str, Any] = {
        "adults": [
            {"id": one.id, "phone": form.get(f"phone-{one.id}").strip() or None}
            | ({"email": form.get(f"email-{one.id}").strip() or None} if f"email-{one.id}" in form.values else {})
            for one in adults
        ],
        "contacts": [line for _, line in lines],
    }
    for line in body["contacts"]:
        names = (line["first_name"].casefold(), line["last_name"].casefold())
        known = (one for one in _contacts(dossier) if (one.first_name.casefold(), one.last_name.casefold()) == names)
        if (same := next(known, None)) and emails[same.id]:
            line["email"] = emails[same.id]  # the page does not show it, and it stays
    try:
        await visit.api.call("PATCH", f"/dossier/v1/dossiers/{dossier.id}/contacts", body, seen=seen(visit))
        return visit.go(f"{HERE}?modifie")
    except Refused as refused:
        if overtaken(visit, refused):
            return await show_contacts(visit)
        inputs = {
            f"adults/{at}/{field}": f"{field}-{one.id}" for at, one in enumerate(adults) for field in ("phone", "email")
        }
        inputs |= _inputs("contacts", "contact", CONTACT, lines)
        form.refused(refused, inputs.values(), inputs)
        return _contacts_page(visit, dossier, _lines(visit, "contact", len(_contacts(dossier))))


def _inputs(
    pointer: str, group: str, fields: Sequence[str], lines: Sequence[tuple[int, Mapping[str, str]]]
) -> dict[str, str]:
    """The input of each field that the API may name; of a line as a whole, its first one."""
    named = {
        f"{pointer}/{at}/{field}": _input(group, row, field) for at, (row, _) in enumerate(lines) for field in fields
    }
    return named | {f"{pointer}/{at}": _input(group, row, fields[0]) for at, (row, _) in enumerate(lines)}


# ---------------------------------------------------------------------- a child's menu and consents


async def _child(visit: Visit) -> Child:
    """The one in the path. Raises NotFound."""
    child_id = visit.path("child_id")
    for child in (await visit.dossier()).children:
        if child.id == child_id:
            return child
    raise NotFound


async def show_child(visit: Visit) -> Response:
    child = await _child(visit)
    visit.form.values["menu"] = [child.menu]
    for name in changes.CONSENTS:
        given = getattr(child.consents, name)
        visit.form.values[name] = [] if given is None else ["oui" if given else "non"]
    return _child_page(visit, child)


def _child_page(visit: Visit, child: Child) -> Response:
    return visit.page("dossier/child.html", child=child, changes=changes)


async def change_child(visit: Visit) -> Response:
    child, form = await _child(visit), visit.form
    consents = {name: form.get(name) == "oui" for name in changes.CONSENTS if form.get(name) in ("oui", "non")}
    body = {"menu": form.get("menu"), "consents": consents} | visit.family
    try:
        await visit.api.call("PATCH", f"/dossier/v1/children/{child.id}", body, seen=seen(visit))
        return visit.go(f"{HERE}?modifie")
    except Refused as refused:
        if overtaken(visit, refused):
            return await show_child(visit)
        form.refused(refused, ["menu"])
        return _child_page(visit, child)


# ---------------------------------------------------------------------- who picks it up


def _own(child: Child) -> list[Any]:
    return [one for one in child.authorised_persons if one.own]


async def show_persons(visit: Visit) -> Response:
    child = await _child(visit)
    return _persons_page(
        visit,
        child,
        _offer(visit, "personne", AUTHORISED, _own(child)),
        _offer(visit, "interdite", FORBIDDEN, child.forbidden_persons) if visit.acting else [],
    )


def _persons_page(visit: Visit, child: Child, lines: list[int], forbidden: list[int]) -> Response:
    others = [one for one in child.authorised_persons if not one.own]
    return visit.page("dossier/persons.html", child=child, lines=lines, forbidden=forbidden, others=others)


async def change_persons(visit: Visit) -> Response:
    child, form = await _child(visit), visit.form
    lines, forbidden = _sent(visit, "personne", AUTHORISED), _sent(visit, "interdite", FORBIDDEN)
    authorised: list[dict[str, str | None]] = [{**line, "relation": line["relation"] or None} for _, line in lines]
    body: dict[str, Any] = {"authorised_persons": authorised} | visit.family
    if visit.acting:
        body["forbidden_persons"] = [line for _, line in forbidden]
    try:
        path = f"/dossier/v1/children/{child.id}/authorised-persons"
        await visit.api.call("PUT", path, body, seen=seen(visit))
        return visit.go(f"{HERE}?modifie")
    except Refused as refused:
        if overtaken(visit, refused):
            return await show_persons(visit)
        inputs = _inputs("authorised_persons", "personne", AUTHORISED, lines)
        inputs |= _inputs("forbidden_persons", "interdite", FORBIDDEN, forbidden)
        form.refused(refused, inputs.values(), inputs)
        shown = _lines(visit, "interdite", len(child.forbidden_persons)) if visit.acting else []
        return _persons_page(visit, child, _lines(visit, "personne", len(_own(child))), shown)


ROUTES = [
    route(f"{HERE}/contacts", show_contacts, change_contacts),
    route(f"{HERE}/enfants/{{child_id}}", show_child, change_child),
    route(f"{HERE}/enfants/{{child_id}}/personnes", show_persons, change_persons),
]
