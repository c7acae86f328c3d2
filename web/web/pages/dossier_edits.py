"""What of « Mon dossier » is changed at once: who is called, a child's menu and consents, who picks it up."""

from typing import Any

from starlette.responses import Response

from web import changes, lines
from web.answers.dossier import Child, Dossier
from web.pages.dossier import HERE, child_of
from web.refusals import NotFound, Refused
from web.visits import Visit, route

#: The input of the version that was seen.
SEEN = "vu"
STALE = "urn:problem:stale"
OVERTAKEN = (
    "Quelqu'un d'autre a modifié ces informations entre-temps : voici ce qui est enregistré maintenant. Vérifiez, puis"
    " refaites votre modification."
)
CONTACT = ("first_name", "last_name", "phone")
AUTHORISED = ("first_name", "last_name", "phone", "relation")
FORBIDDEN = ("first_name", "last_name", "decision")


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
    return _contacts_page(visit, dossier, lines.offer(visit.form, "contact", CONTACT, _contacts(dossier)))


def _contacts_page(visit: Visit, dossier: Dossier, rows: list[int]) -> Response:
    return visit.page("dossier/contacts.html", dossier=dossier, adults=_others(dossier), lines=rows, changes=changes)


async def change_contacts(visit: Visit) -> Response:
    dossier, form = await visit.dossier(), visit.form
    adults = [one for one in _others(dossier) if f"phone-{one.id}" in form.values]
    called = lines.sent(form, "contact", CONTACT)
    emails = {one.id: one.email for one in _contacts(dossier)}
    body: dict[str, Any] = {
        "adults": [
            {"id": one.id, "phone": form.get(f"phone-{one.id}").strip() or None}
            | ({"email": form.get(f"email-{one.id}").strip() or None} if f"email-{one.id}" in form.values else {})
            for one in adults
        ],
        "contacts": [line for _, line in called],
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
        inputs |= lines.inputs("contacts", "contact", CONTACT, called)
        form.refused(refused, inputs.values(), inputs)
        return _contacts_page(visit, dossier, lines.shown_again(form, "contact", CONTACT, len(_contacts(dossier))))


# ---------------------------------------------------------------------- a child's menu and consents


async def show_child(visit: Visit) -> Response:
    child = child_of(visit, await visit.dossier())
    visit.form.values["menu"] = [child.menu]
    for name in changes.CONSENTS:
        given = getattr(child.consents, name)
        visit.form.values[name] = [] if given is None else ["oui" if given else "non"]
    return _child_page(visit, child)


def _child_page(visit: Visit, child: Child) -> Response:
    return visit.page("dossier/child.html", child=child, changes=changes)


async def change_child(visit: Visit) -> Response:
    child, form = child_of(visit, await visit.dossier()), visit.form
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
    child = child_of(visit, await visit.dossier())
    return _persons_page(
        visit,
        child,
        lines.offer(visit.form, "personne", AUTHORISED, _own(child)),
        lines.offer(visit.form, "interdite", FORBIDDEN, child.forbidden_persons) if visit.acting else [],
    )


def _persons_page(visit: Visit, child: Child, rows: list[int], forbidden: list[int]) -> Response:
    others = [one for one in child.authorised_persons if not one.own]
    return visit.page("dossier/persons.html", child=child, lines=rows, forbidden=forbidden, others=others)


async def change_persons(visit: Visit) -> Response:
    child, form = child_of(visit, await visit.dossier()), visit.form
    trusted, forbidden = lines.sent(form, "personne", AUTHORISED), lines.sent(form, "interdite", FORBIDDEN)
    authorised: list[dict[str, str | None]] = [{**line, "relation": line["relation"] or None} for _, line in trusted]
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
        inputs = lines.inputs("authorised_persons", "personne", AUTHORISED, trusted)
        inputs |= lines.inputs("forbidden_persons", "interdite", FORBIDDEN, forbidden)
        form.refused(refused, inputs.values(), inputs)
        shown = []
        if visit.acting:
            shown = lines.shown_again(form, "interdite", FORBIDDEN, len(child.forbidden_persons))
        return _persons_page(visit, child, lines.shown_again(form, "personne", AUTHORISED, len(_own(child))), shown)


ROUTES = [
    route(f"{HERE}/contacts", show_contacts, change_contacts),
    route(f"{HERE}/enfants/{{child_id}}", show_child, change_child),
    route(f"{HERE}/enfants/{{child_id}}/personnes", show_persons, change_persons),
]
