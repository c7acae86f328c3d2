"""The staff's accounts: listed, opened, changed, invited anew, closed."""

from typing import Any

from starlette.responses import Response

from web.answers.enrolment import Entry, Place
from web.answers.identity import StaffAccount
from web.listings import Column, Filter, Listing
from web.refusals import Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH, API = "/agent/comptes", "/identity/v1/accounts"
ROLES = {
    "agent": "Agent du guichet",
    "cashier": "Régisseur",
    "administrator": "Administrateur",
    "site_staff": "Personnel d'un site",
}
STATES = {"pending": "invité", "active": "actif", "closed": "fermé"}
FIELDS = ("username", "first_name", "last_name", "email", "role", "regies", "site_ids", "pin")
STALE = "Quelqu'un d'autre a modifié ce compte entre-temps : voici comment il est maintenant."

LIST = Listing(
    PATH,
    "Comptes des agents",
    StaffAccount,
    API,
    [
        Column("Nom", lambda one: f"{one.first_name} {one.last_name}", lambda one: f"{PATH}/{one.id}"),
        Column("Rôle", lambda one: ROLES.get(one.role, one.role)),
        Column("Nom d'utilisateur", lambda one: one.username),
        Column("Courriel", lambda one: one.email),
        Column("Régies", lambda one: ", ".join(one.regies)),
        Column("État", lambda one: STATES.get(one.status, one.status)),
    ],
    [
        Filter("status", "État", [("", "Tous"), *STATES.items()]),
        Filter("role", "Rôle", [("", "Tous"), *ROLES.items()]),
    ],
    roles=ADMINISTRATORS,
    template="agent/staff.html",
)


async def show_new(visit: Visit) -> Response:
    return await _shown(visit, None)


async def open_account(visit: Visit) -> Response:
    asked = _asked(visit, FIELDS)
    if not asked.get("pin"):
        asked.pop("pin", None)
    try:
        account = await visit.api.post(StaffAccount, API, asked)
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        visit.form.refused(refused, FIELDS)
        return await _shown(visit, None)
    return visit.go(f"{PATH}/{account.id}?ouvert")


async def show_account(visit: Visit) -> Response:
    return await _shown(visit, await visit.api.get(StaffAccount, f"{API}/{visit.path('account_id')}"))


async def _shown(visit: Visit, account: StaffAccount | None) -> Response:
    sites = await visit.api.all(Place, "/enrolment/v1/sites")
    activities = await visit.api.all(Entry, "/enrolment/v1/activities")
    regies = sorted({one.regie for one in activities} | set(account.regies if account else ()))
    said = [name for name in ("ouvert", "change", "invite") if name in visit.request.query_params]
    return visit.page(
        "agent/staff_account.html",
        account=account,
        path=f"{PATH}/{account.id}" if account else f"{PATH}/nouveau",
        roles=ROLES,
        states=STATES,
        sites=sites,
        regies=regies,
        said=said[0] if said else "",
    )


async def change(visit: Visit) -> Response:
    """What the form says; closing is a form of its own."""
    account_id, site_staff = visit.path("account_id"), visit.form.get("is_site_staff") == "oui"
    fields = ("first_name", "last_name", "email") + (("site_ids", "pin") if site_staff else ("role", "regies"))
    asked = _asked(visit, fields)
    if not asked.get("pin"):
        asked.pop("pin", None)
    return await _changed(visit, account_id, asked)


async def close(visit: Visit) -> Response:
    return await _changed(visit, visit.path("account_id"), {"status": "closed"})


async def _changed(visit: Visit, account_id: str, asked: dict[str, Any]) -> Response:
    try:
        await visit.api.call("PATCH", f"{API}/{account_id}", asked, seen=visit.form.get("vu"))
        return visit.go(f"{PATH}/{account_id}?change")
    except Refused as refused:
        if refused.status == 412:
            visit.form.values = {}
            visit.form.refuse("", STALE)
        elif refused.status in (409, 422):
            visit.form.refused(refused, FIELDS)
        else:
            raise
    return await show_account(visit)


async def invite(visit: Visit) -> Response:
    account_id = visit.path("account_id")
    try:
        await visit.api.call("POST", f"{API}/{account_id}/invitation")
        return visit.go(f"{PATH}/{account_id}?invite")
    except Refused as refused:
        if refused.status != 409:
            raise
        visit.form.values = {}
        visit.form.refused(refused, ())
    return await show_account(visit)


def _asked(visit: Visit, fields: tuple[str, ...]) -> dict[str, Any]:
    form = visit.form
    several = {"site_ids", "regies"}
    return {name: form.all(name) if name in several else form.get(name).strip() for name in fields}


ROUTES = [
    *LIST.routes,
    route(f"{PATH}/nouveau", show_new, open_account, roles=ADMINISTRATORS),
    route(f"{PATH}/{{account_id}}", show_account, change, roles=ADMINISTRATORS),
    route(f"{PATH}/{{account_id}}/fermeture", send=close, roles=ADMINISTRATORS),
    route(f"{PATH}/{{account_id}}/invitation", send=invite, roles=ADMINISTRATORS),
]
