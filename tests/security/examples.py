"""Every guarded operation of the joined OpenAPI document, and examples of what it takes, made for one family."""

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from chassis import clock, towns
from chassis.identifiers import named_id, new_id
from french.calendar import school_year
from french.paris import day_in_paris

from deploy.local.portal import Portal, until
from deploy.local.stack import TOWN
from tests.actors import PASSWORD, Family

Json = dict[str, Any]
#: Parameters and fields that name something of one family's.
THEIRS = {
    "dossier_id",
    "child_id",
    "booking_id",
    "invoice_id",
    "payment_id",
    "entry_id",
    "enrolment_id",
    "session_id",
    "change_request_id",
} | {"message_id", "document_id", "passkey_id"}
#: The same by lists.
SEVERAL = {"invoice_ids", "child_ids"}
#: What a body may leave out, and is called with here.
GIVEN = {
    "POST /v1/plannings/validate": ["changes"],
    "PUT /v1/dossiers/{dossier_id}/adults/{adult_id}/quotient-consent": ["birthplace"],
}

#: The least that is a picture.
PHOTO = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
ADDRESS = {"kind": "address", "street": "3 rue Neuve", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"}
#: What is sent where a file is the body, by its type.
FILES = {
    "image/jpeg": PHOTO,
    "text/csv": b"numero,rue,code_postal,commune,adulte1_nom,adulte1_prenom\n9,1 rue Basse,94800,Villejuif,Petit,Luc\n",
}

CLOSING = "DELETE /v1/me"
NAMING = "PATCH /v1/me"
LEAVING = "DELETE /v1/children/{child_id}/dossiers/{dossier_id}"
#: What takes a code of the moment, or a device, of the caller's own: here only who may, the rest in identity's tests.
BY_CODE = {f"{method} /v1/me/totp" for method in ("POST", "PUT", "DELETE")} | {
    "POST /v1/me/recovery-codes",
    "POST /v1/passkeys/options",
    "POST /v1/passkeys",
}


@dataclass(frozen=True)
class Operation:
    """As the document has it; `taken` is what it takes by name: where (path, query, body) and whether it must be.

    What `edits` needs the version that its own GET tells, or that of what it belongs to; `file` is sent as
    the body itself.
    """

    method: str
    path: str
    service: str
    roles: frozenset[str]
    scope: str | None
    reach: str | None
    taken: dict[str, tuple[str, bool]]
    edits: bool
    body: Json | None
    file: bytes | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def needed(self) -> set[str]:
        return {name for name, (_, needed) in self.taken.items() if needed}

    @property
    def required_theirs(self) -> set[str]:
        """What of one family's it cannot be called without."""
        return (self.needed | set(_names(self.body))) & (THEIRS | SEVERAL)

    def admits(self, role: str, scopes: str = "") -> bool:
        return role in self.roles or (self.scope is not None and self.scope in scopes.split())


def operations(document: Json) -> list[Operation]:
    """Those that end the caller's own session, then their account, come last."""
    found = [
        _operation(document, method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation["security"]
    ]
    last = ["DELETE /v1/sessions/current", CLOSING]
    return sorted(found, key=lambda one: last.index(str(one)) if str(one) in last else -1)


def _operation(document: Json, method: str, path: str, operation: Json) -> Operation:
    _, _, service, rest = path.split("/", 3)
    taken = {one["name"]: (one["in"], one.get("required", False)) for one in operation.get("parameters", ())}
    taken.pop("idempotency-key", None)
    edits = taken.pop("if-match", None) is not None
    body = None
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        body = _resolved(document, content["application/json"]["schema"])
        body["required"] = [*body.get("required", ()), *GIVEN.get(f"{method.upper()} /{rest}", ())]
        # What the staff must name, and a guardian may not.
        taken |= {name: ("body", False) for name in body["properties"] if name == "dossier_id"}
    return Operation(
        method=method.upper(),
        path=f"/{rest}",
        service=service,
        roles=frozenset(operation["x-roles"]),
        scope=operation.get("x-scope"),
        reach=operation.get("x-reach"),
        taken=taken,
        edits=edits,
        body=body,
        file=next((FILES[kind] for kind in content if kind in FILES), None),
    )


def _resolved(document: Json, schema: Any) -> Any:
    """That schema with all it refers to in its place."""
    if isinstance(schema, list):
        return [_resolved(document, one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        return _resolved(document, document["components"]["schemas"][reference.rsplit("/", 1)[1]])
    return {name: _resolved(document, one) for name, one in schema.items()}


def _names(schema: Any) -> Iterator[str]:
    """What a body of that schema must name, at any depth."""
    if not schema:
        return
    if "items" in schema:
        yield from _names(schema["items"])
    for name in schema.get("required", ()):
        yield name
        yield from _names(schema["properties"][name])


def example(values: Json, schema: Json, name: str = "body") -> Any:
    """The least that fits; raises KeyError for what `values` has no example of."""
    if name in values:
        return values[name]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {one: example(values, schema["properties"][one], one) for one in schema.get("required", ())}
    if schema.get("type") == "array":
        return [example(values, schema["items"], f"one of {name}")] if name else []
    raise KeyError(f"no example of {name}: say one in {__name__}")


async def values_of(family: Family) -> Json:
    """Examples by name, all about one child: a week with an invoice to pay, one to book, one to hold, one to wait for.

    Those of one operation alone, where a name means something else there, stand under it.
    """
    billed_line, (child_id, week_id), held_line, waited = [await family.line(week=week) for week in (0, 1, 2, -1)]
    billed = await family.billed(billed_line)
    payment = await family.portal.open_payment(billed["invoice_id"])
    dossier = await family.portal.get("/dossier/v1/dossiers/mine")
    quote = await family.portal.quote([(child_id, week_id)])
    adults = (await family.portal.get("/dossier/v1/dossiers/mine"))["adults"]
    guardian_id = next(one["id"] for one in adults if one["first_name"] == family.guardian.first_name)
    return {
        "dossier_id": family.dossier_id,
        "child_id": child_id,
        "child_ids": [child_id],
        "holiday_week_id": week_id,
        "quote_id": quote["quote_id"],
        "position": 0,
        "invoice_id": billed["invoice_id"],
        "invoice_ids": [billed["invoice_id"]],
        "payment_id": payment["payment_id"],
        "month": billed["lines"][0]["dates"][0][:7],
        "return_url": f"{family.portal.stack.web}/factures",
        # Changes nothing of the demo town.
        "activity_id": str(named_id("activity", "mercredi")),
        "weekdays": ["wednesday"],
        "booking_deadline": {"rule": "weekday_before", "weekday": "thursday", "time": "12:00", "weeks": 1},
        "cancellation_deadline": {"rule": "weekday_before", "weekday": "thursday", "time": "12:00", "weeks": 1},
        "bands": [{"ages": [2, 5], "places": 32}, {"ages": [6, 12], "places": 48}],
        "enabled": False,
        "closed_days": [one | {"date": str(one["date"])} for one in towns.read(TOWN)["calendar"]["closed_days"]],
        # Of the catalogue: new ones that nobody will meet.
        "site_id": str(named_id("site", "jean-jaures")),
        "code": f"essai-{new_id().hex}",
        "name": "Essai",
        "regie": "enfance",
        "group": f"Essai {new_id().hex}",
        "ages": [25, 25],
        "dates": ["2098-06-02"],
        "places": 0,
        "hold_minutes": 20,
        "booking_closes_at": "2098-05-01T12:00:00Z",
        "cancellation_closes_at": "2098-05-01T12:00:00Z",
        "POST /v1/holiday-weeks": {"activity_id": str(named_id("activity", "vacances-les-coteaux"))},
        "POST /v1/waiting-list": {"holiday_week_id": waited[1]},
        # Only looked at.
        "POST /v1/imports": {"dry_run": "true"},
        "PUT /v1/dossiers/{dossier_id}/quotient": {"value": 640, "source": "caf"},
        # Who says so is the guardian, of themselves.
        **{
            f"{method} /v1/dossiers/{{dossier_id}}/adults/{{adult_id}}/quotient-consent": {
                "adult_id": guardian_id,
                "birth_name": "Roux",
                "first_names": ["Jeanne"],
                "sex": "F",
                "birth_date": "1987-06-27",
                "birthplace": "75056",
            }
            for method in ("GET", "PUT", "DELETE")
        },
        "POST /v1/enrolment-rollovers": {"school_year": _next_school_year(), "preview": "true"},
        "DELETE /v1/dossiers/{dossier_id}": {"reason": "Essai", "preview": "true"},
        # A day that nobody has reserved is given up: the month stays as it is.
        "POST /v1/plannings/validate": {"month": "2098-06", "date": "2098-06-02", "reserve": False},
        "POST /v1/plannings/copy-week": {"week": "2098-06-02", "to_weeks": ["2098-06-09"]},
        "GET /v1/plannings/history": {"month": "2098-06"},
        "PUT /v1/plannings/draft": {"month": "2098-06", "date": "2098-06-02", "reserve": False},
        "version": towns.read(TOWN)["house_rules"][0]["version"],
        # Of the household: another adult, who is added before (« adult_id »), and what changes nothing.
        "street": f"{new_id()}",
        "postcode": "94990",
        "city": "Villeneuve-sur-Bièvre",
        "birth_date": "2026-01-31",
        "roles": ["contact"],
        "POST /v1/dossiers": {"roles": ["legal_guardian"]},
        "priorities": [],
        "patterns": [],
        "POST /v1/dossiers/{dossier_id}/payer": {
            "adult_id": dossier["adults"][0]["id"],
            "from": "2098-01-01",
            "preview": "true",
        },
        "schooling": next(one["schooling"] for one in dossier["children"] if one["id"] == child_id),
        "POST /v1/clients": {"name": f"essai-{new_id().hex}", "scope": "meals:read"},
        "GET /v1/children/{child_id}/health": {"reason": "Essai"},
        # Of a school where nobody is who asks.
        "POST /v1/children/health-briefs": {"child_ids": [str(named_id("child", "100001", "Hugo"))]},
        "POST /v1/dossiers/{dossier_id}/documents": {"kind": "vaccinations", "child_id": child_id},
        "document_id": (await family.portal.hand_in(family.dossier_id, "domicile", PHOTO))["id"],
        "POST /v1/documents/{document_id}/decision": {"decision": "accepted"},
        "POST /v1/link-requests/{request_id}/decision": {"decision": "refused", "reason": "Essai"},
        "session_id": await another_session(family),
        "unwanted": [],
        # Their own account's, which stays as it is.
        "password": PASSWORD,
        "new_password": PASSWORD,
        NAMING: {"username": family.guardian.username},
        "otp": "000000",
        "credential": {},
        # Of the staff's: a new one that nobody will meet.
        "username": f"essai-{new_id().hex}",
        "first_name": "Luc",
        "last_name": "Petit",
        "email": "essai@example.org",
        "phone": "0612345678",
        "change": ADDRESS,
        "POST /v1/change-requests/{change_request_id}/decision": {"decision": "refused", "reason": "Essai"},
        "billed": billed["id"],
        "held": held_line,
    }


async def history_of(family: Family, database_url: str, values: Json) -> None:
    """In the month that is asked for something of the child was once changed."""
    month = date.fromisoformat(f"{values['GET /v1/plannings/history']['month']}-01")
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO entries (child_id, activity_id, month, version, at, dossier_id, account_id, role, reserved,"
        " cancelled) VALUES ($1, $2, $3, 1, now(), $4, $4, 'guardian', '{}', '{}') ON CONFLICT DO NOTHING",
        *(values["child_id"], named_id("activity", "cantine"), month, family.dossier_id),
    )
    await connection.close()


def _next_school_year() -> str:
    return school_year(day_in_paris(clock.now()) + timedelta(days=365))


async def booking_of(family: Family, values: Json, operation: Operation) -> str:
    """A booking held for the child, fresh for what may change it; nothing else is left in its way."""
    if "booking_id" in values and operation.method == "GET":
        return str(values["booking_id"])
    for booking in (await family.portal.get("/enrolment/v1/bookings"))["items"]:
        if booking["id"] != values["billed"] and booking["status"] in ("held", "confirmed"):
            await family.portal.cancel(booking["id"])
    return str((await family.portal.book([values["held"]]))["id"])


async def change_request_of(family: Family, values: Json, operation: Operation) -> str:
    """One of the family's that waits, for what would decide it."""
    if "change_request_id" in values and "change-requests/" not in operation.path:
        return str(values["change_request_id"])
    path = f"/dossier/v1/dossiers/{family.dossier_id}/change-requests"
    return str((await family.portal.post(path, {"change": ADDRESS}))["id"])


async def enrolment_of(family: Family, values: Json, operation: Operation) -> str:
    """The child's enrolment in the activity; for enrolling it has been withdrawn from it."""
    if not operation.path.startswith("/v1/enrolments"):
        return str(values.get("enrolment_id", new_id()))
    portal, wish = family.portal, {name: values[name] for name in ("child_id", "activity_id")}
    for one in (await portal.get("/enrolment/v1/enrolments"))["items"]:
        if one["activity_id"] == wish["activity_id"] and one["status"] == "active":
            if operation.method != "POST":
                return str(one["id"])
            await portal.call("DELETE", f"/enrolment/v1/enrolments/{one['id']}?from={one['valid_from']}")
    if operation.method == "POST":
        return str(new_id())
    enrolled = await portal.post("/enrolment/v1/enrolments", wish)
    last = {"days": ["wednesday"], "from": enrolled["valid_to"], "to": enrolled["valid_to"]}
    values["PUT /v1/enrolments/{enrolment_id}/usual-week"] = last
    return str(enrolled["id"])


async def entry_of(family: Family, database_url: str, values: Json, operation: Operation) -> str:
    """What the child waits for, which is offered to it; for joining the list the week is full and it waits no more."""
    if not operation.path.startswith("/v1/waiting-list"):
        return str(values.get("entry_id", new_id()))
    portal, week_id = family.portal, values["POST /v1/waiting-list"]["holiday_week_id"]
    standing = [one for one in (await portal.get("/enrolment/v1/waiting-list"))["items"] if one["status"] == "offered"]
    joining = (operation.method, operation.path) == ("POST", "/v1/waiting-list")
    if standing and not joining:
        return str(standing[0]["id"])
    await _leave_places(database_url, week_id, 0)
    for one in (await portal.get("/enrolment/v1/waiting-list"))["items"]:
        if one["status"] in ("waiting", "offered"):
            await portal.call("DELETE", f"/enrolment/v1/waiting-list/{one['id']}")
    await _leave_places(database_url, week_id, 0)
    if joining:
        return str(new_id())
    wish = {"child_id": values["child_id"], "holiday_week_id": week_id}
    entry_id = str((await portal.post("/enrolment/v1/waiting-list", wish))["id"])
    await _leave_places(database_url, week_id, 1)

    async def offered() -> bool | None:
        (newest, *_) = (await portal.get("/enrolment/v1/waiting-list"))["items"]
        return newest["status"] == "offered" or None

    await until(offered, f"an offer for {entry_id}")
    return entry_id


async def another_session(family: Family) -> str:
    """One of the guardian's that nobody needs."""
    async with Portal(family.portal.stack) as elsewhere:
        await elsewhere.sign_in(family.guardian.username, PASSWORD)
    listed = (await family.portal.get("/identity/v1/sessions"))["items"]
    return str(next(one["id"] for one in listed if not one["current"]))


async def spare_tablet(database_url: str) -> str:
    """One that no test signs in on."""
    columns = "devices (id, site_id, name, digest, created_at)"
    return await _added(database_url, f"{columns} VALUES ($1, $1, 'Essai', $2, now())", new_id().bytes)


async def passkey_of(family: Family, database_url: str) -> str:
    """One of the guardian's, that opens nothing."""
    columns = "passkeys (id, account_id, name, credential_id, public_key, used, created_at)"
    theirs = "SELECT $1, id, 'Essai', $2, '', 0, now() FROM accounts WHERE username = $3"
    return await _added(database_url, f"{columns} {theirs}", new_id().bytes, family.guardian.username)


async def _added(database_url: str, row: str, *values: Any) -> str:
    """The id ($1) of a new row of these values ($2 and on)."""
    row_id = new_id()
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"INSERT INTO {row}", row_id, *values)
    await connection.close()
    return str(row_id)


async def waiting_link_request(database_url: str) -> str:
    """One that somebody has asked, for an agent to decide."""
    request_id = new_id()
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO link_requests (id, version, status, first_name, last_name, email, created_at)"
        " VALUES ($1, 1, 'waiting', 'Luc', 'Petit', $2, now())",
        request_id,
        f"{request_id}@example.org",
    )
    await connection.close()
    return str(request_id)


async def message_to(family: Family, database_url: str) -> str:
    """One that the guardian has been told."""
    message_id = new_id()
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO messages (id, account_id, notice_id, title, paragraphs, created_at)"
        " SELECT $1, id, $1, 'Essai', '[]', now() FROM accounts WHERE guardian_id IS NOT NULL AND username = $2",
        *(message_id, family.guardian.username),
    )
    await connection.close()
    return str(message_id)


async def other_adult(database_url: str, dossier_id: str, role: str = "contact") -> str:
    """An adult of the dossier whom nobody needs."""
    row = "adults (id, dossier_id, first_name, last_name, roles) VALUES ($1, $2, 'Anne', 'Petit', $3)"
    return await _added(database_url, row, UUID(dossier_id), [role])


async def planned_change(database_url: str, dossier_id: str) -> str:
    """One that waits for a day that never comes."""
    row = (
        "planned_changes (id, kind, dossier_id, wish, day, asked_at, asked_by) VALUES ($1, 'leave', $2, $3, $4, $5, $1)"
    )
    wish = json.dumps({"dossier_id": dossier_id, "child_id": str(new_id())})
    return await _added(database_url, row, UUID(dossier_id), wish, date(2098, 1, 1), clock.now())


async def uninvited_dossier(database_url: str) -> str:
    """One whose guardian has no account."""
    guardian = {"guardian_id": str(new_id()), "first_name": "Luc", "last_name": "Petit", "email": None}
    row = "dossiers (dossier_id, version, number, guardians) VALUES ($1, 1, $2, $3)"
    return await _added(database_url, row, new_id().hex, json.dumps([guardian]))


async def print_run(database_url: str) -> str:
    """One that an agent has made."""
    return await _added(database_url, "print_runs (id, notice_ids, made_by, made_at) VALUES ($1, '{}', $1, now())")


async def desk_notice(database_url: str) -> str:
    """One that waits for somebody of the desk."""
    row = "desk_notices (id, title, paragraphs, created_at) VALUES ($1, 'Essai', '[]', now())"
    return await _added(database_url, row)


async def waiting_dossier_request(database_url: str) -> str:
    """One that somebody has asked, for an agent to decide."""
    return await _added(
        database_url,
        "dossier_requests (id, version, status, digest, first_name, last_name, email, address, children, created_at)"
        " VALUES ($1, 1, 'waiting', $2, 'Luc', 'Petit', 'essai@example.org', $3, '[]', now())",
        new_id().bytes,
        json.dumps({"street": "1 rue", "postcode": "94990", "city": "Ville"}),
    )


async def other_dossier(database_url: str, values: Json, operation: Operation) -> None:
    """That the child belongs to as well, for leaving it."""
    if str(operation) != LEAVING:
        return
    values[LEAVING] = {"dossier_id": str(new_id())}
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO dossiers (id, number, status, priorities, missing, version)"
        " VALUES ($1, $2, 'active', '{}', '{}', 1)",
        *(UUID(values[LEAVING]["dossier_id"]), f"X{values[LEAVING]['dossier_id'][-12:]}"),
    )
    await connection.execute(
        "INSERT INTO dossier_children (dossier_id, child_id) VALUES ($1, $2)",
        *(UUID(values[LEAVING]["dossier_id"]), UUID(values["child_id"])),
    )
    await connection.close()


async def invited_account(database_url: str) -> str:
    """One of the staff's that waits for its owner."""
    username = f"essai-{new_id().hex}"
    return await _added(
        database_url,
        "accounts (id, version, status, role, username, username_key, first_name, last_name, email, email_key,"
        " site_ids, regies, activation_expires_at, created_at)"
        " VALUES ($1, 1, 'pending', 'agent', $2, $2, 'Luc', 'Petit', $3, $3, '{}', '{}', $4, $4)",
        username,
        f"{username}@example.org",
        clock.now() + timedelta(days=30),
    )


async def campaign_done(database_url: str) -> str:
    """Of which every family has been asked for."""
    columns = "quotient_campaigns (id, status, version, asked_by, asked_at, next_at)"
    return await _added(database_url, f"{columns} VALUES ($1, 'done', 2, $1, now(), now())")


async def import_done(database_url: str) -> str:
    """Of a file that an administrator has sent."""
    return await _added(
        database_url,
        "imports (id, status, version, kind, dry_run, columns, lines, done, created, known, refused, asked_at)"
        " VALUES ($1, 'done', 2, 'families', true, '{}', 1, 1, 1, 0, 0, now())",
    )


async def known_program(database_url: str) -> str:
    """A program of the town's that nobody needs."""
    row = "clients (id, name, scope, created_at) VALUES ($1, $2, 'meals:read', now())"
    return await _added(database_url, row, f"essai-{new_id().hex}")


async def _leave_places(database_url: str, week_id: str, left: int) -> None:
    """So that so many are left in the week."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE holiday_weeks SET places = taken + $2 WHERE id = $1", week_id, left)
    await connection.close()
