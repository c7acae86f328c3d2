"""Nobody touches another family's things: every operation, every role, through the gateway and at each service.

Generated from the joined OpenAPI document, which says who may call and whose things are named. The family's own call,
or the desk's, is the positive control. A new route that takes something unknown fails here until it has an example.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from chassis.identifiers import new_id
from identity.second_factor import STEP_S, totp

from deploy.local.portal import Portal
from deploy.local.stack import Stack
from tests.actors import STAFF_PASSWORD, TOTP_SECRET, Clock
from tests.conftest import NewFamily
from tests.security.examples import (
    BY_CODE,
    CLOSING,
    NAMING,
    SEVERAL,
    THEIRS,
    Json,
    Operation,
    booking_of,
    campaign_done,
    change_request_of,
    desk_notice,
    enrolment_of,
    entry_of,
    example,
    history_of,
    import_done,
    invited_account,
    known_program,
    message_to,
    operations,
    other_adult,
    other_dossier,
    passkey_of,
    planned_change,
    print_run,
    spare_tablet,
    uninvited_dossier,
    values_of,
    waiting_dossier_request,
    waiting_link_request,
)

STAFF = {"agent": "agent", "cashier": "regie", "administrator": "admin"}


@dataclass(frozen=True)
class Actor:
    role: str
    token: str
    scopes: str = ""
    own: Json = field(default_factory=dict)


SignIn = Callable[[], Awaitable[dict[str, Actor]]]


@pytest.fixture
async def sign_in(stack: Stack, moving_clock: Clock) -> AsyncIterator[SignIn]:
    """One of each role that is no guardian, signed in by its own door; again, after their sessions have ended."""
    async with AsyncExitStack() as opened:

        async def signed_in() -> dict[str, Actor]:
            moving_clock.advance(seconds=STEP_S + 1)  # a code is good once
            found = {}
            for role, username in STAFF.items():
                portal = await opened.enter_async_context(Portal(stack))
                code = totp(TOTP_SECRET, int(moving_clock.now().timestamp()) // STEP_S)
                await portal.sign_in(username, STAFF_PASSWORD, code)
                own = {"password": STAFF_PASSWORD, "new_password": STAFF_PASSWORD, NAMING: {"username": username}}
                found[role] = Actor(role, str(portal.token), own=own)
            portal = await opened.enter_async_context(Portal(stack))
            tablet = {"login": "animateur", "pin": "2026", "device_token": "tablette-demo-2026"}
            answer = await portal.post("/identity/v1/sessions", tablet)
            found["site_staff"] = Actor("site_staff", answer["access_token"])
            program = {
                "client_id": "meal-kitchen",
                "client_secret": "Cuisine!2026",
                "grant_type": "client_credentials",
            }
            async with portal.client.post("/api/identity/v1/oauth/token", data=program) as told:
                found["integrator"] = Actor("integrator", (await told.json())["access_token"], "meals:read")
            return found

        yield signed_in


@dataclass(frozen=True)
class Door:
    """Where calls are made: the gateway, or each service itself."""

    stack: Stack
    through: str
    client: aiohttp.ClientSession

    async def call(self, operation: Operation, token: str, values: Json, *named: str) -> tuple[int, str]:
        """Status and text of the least call that is possible, and these optional things named with it."""
        own = values.get(str(operation), {})
        values = values | own
        query: dict[str, str] = {}
        body: Any = example(values, operation.body) if operation.body else None
        for name in {*operation.needed, *named, *(own.keys() & operation.taken.keys())}:
            match operation.taken[name][0]:
                case "query":
                    query[name] = str(example(values, {}, name))
                case "body":
                    body[name] = values[name]
        path = operation.path.format_map({name: example(values, {}, name) for name in _in_path(operation)})
        gateway = self.through == "gateway"
        base = f"{self.stack.gateway}/api/{operation.service}" if gateway else self.stack.services[operation.service]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())}
        if operation.edits:
            acts = "dossier_id" in {*named, *operation.needed}
            acting = {"dossier_id": str(values["dossier_id"])} if acts else {}
            headers["If-Match"] = await self._seen(base + path, headers, acting)
        sent: Json = {"data": operation.file} if operation.file else {"json": body}
        async with self.client.request(operation.method, base + path, params=query, headers=headers, **sent) as answer:
            return answer.status, await answer.text(errors="replace")

    async def _seen(self, url: str, headers: Json, acting: dict[str, str]) -> str:
        """The version that its own GET tells; where there is none, that of what it belongs to."""
        async with self.client.get(url, headers=headers, params=acting) as seen:
            if seen.status != HTTPStatus.METHOD_NOT_ALLOWED:
                return seen.headers.get("ETag", '"0"')
        return await self._seen(url.rsplit("/", 1)[0], headers, acting)


def _in_path(operation: Operation) -> list[str]:
    return [name for name, (where, _) in operation.taken.items() if where == "path"]


@pytest.fixture
async def document(portal: Portal) -> Json:
    async with portal.client.get("/api/openapi.json") as answer:
        found: Json = await answer.json()
    return found


@pytest.mark.parametrize("through", ["gateway", "service"])
async def test_what_is_a_familys_is_touched_by_that_family_and_the_desk_alone(
    stack: Stack, document: Json, new_family: NewFamily, sign_in: SignIn, through: str
) -> None:
    owner, stranger = await new_family(), await new_family()
    values, wrong = await values_of(owner), []
    values["client_id"] = await known_program(stack.owner_databases["identity"])
    values["message_id"] = await message_to(owner, stack.owner_databases["identity"])
    values["run_id"] = await print_run(stack.owner_databases["identity"])
    unknown = {"dossier_id": await uninvited_dossier(stack.owner_databases["identity"])}
    values["POST /v1/dossiers/{dossier_id}/invitation"] = unknown
    values["desk_notice_id"] = await desk_notice(stack.owner_databases["identity"])
    values["dossier_request_id"] = await waiting_dossier_request(stack.owner_databases["identity"])
    decided = {"decision": "accepted", "reason": "Essai"}
    values["POST /v1/dossier-requests/{dossier_request_id}/decision"] = decided | unknown
    values["campaign_id"] = await campaign_done(stack.owner_databases["dossier"])
    values["import_id"] = await import_done(stack.owner_databases["dossier"])
    values["account_id"] = await invited_account(stack.owner_databases["identity"])
    values["request_id"] = await waiting_link_request(stack.owner_databases["identity"])
    values["planned_change_id"] = await planned_change(stack.owner_databases["dossier"], owner.dossier_id)
    values["device_id"] = await spare_tablet(stack.owner_databases["identity"])
    values["passkey_id"] = await passkey_of(owner, stack.owner_databases["identity"])
    values["adult_id"] = await other_adult(stack.owner_databases["dossier"], owner.dossier_id)
    guardian_id = await other_adult(stack.owner_databases["dossier"], owner.dossier_id, "legal_guardian")
    values["POST /v1/dossiers/{dossier_id}/split"] = {"adults": [guardian_id], "children": [], "preview": "true"}
    twin = {"into": stranger.dossier_id, "reason": "Essai", "preview": "true"}
    values["POST /v1/dossiers/{dossier_id}/merge"] = twin
    await history_of(owner, stack.owner_databases["planning"], values)
    nothing = {name: str(new_id()) for name in THEIRS} | {name: [str(new_id())] for name in SEVERAL}
    named = {NAMING: {"username": stranger.guardian.username}}
    everybody = await sign_in() | {"guardian": Actor("guardian", str(stranger.portal.token), own=named)}
    async with aiohttp.ClientSession() as client:
        door = Door(stack, through, client)
        for operation in operations(document):
            if str(operation) == CLOSING:
                for family in (owner, stranger):
                    await family.sign_in_again()
                everybody = await sign_in() | {"guardian": Actor("guardian", str(stranger.portal.token), own=named)}
            await other_dossier(stack.owner_databases["dossier"], values, operation)
            for actor in everybody.values():
                values["booking_id"] = await booking_of(owner, values, operation)
                values["change_request_id"] = await change_request_of(owner, values, operation)
                values["enrolment_id"] = await enrolment_of(owner, values, operation)
                values["entry_id"] = await entry_of(owner, stack.owner_databases["enrolment"], values, operation)
                judged = _refusals(door, operation, actor, values | actor.own, values | nothing | actor.own)
                wrong += [f"{operation} by {actor.role}: {fault}" async for fault in judged]
            if "guardian" in operation.roles and str(operation) not in BY_CODE:
                values["booking_id"] = await booking_of(owner, values, operation)
                values["change_request_id"] = await change_request_of(owner, values, operation)
                values["enrolment_id"] = await enrolment_of(owner, values, operation)
                values["entry_id"] = await entry_of(owner, stack.owner_databases["enrolment"], values, operation)
                judged = _owners(door, operation, str(owner.portal.token), str(stranger.portal.token), values)
                wrong += [f"{operation} by its family: {fault}" async for fault in judged]
    assert not wrong, "\n".join(wrong)


async def _refusals(door: Door, operation: Operation, actor: Actor, values: Json, nothing: Json) -> AsyncIterator[str]:
    """What is wrong with what somebody else is answered who names that family's things."""
    optional = (operation.taken.keys() - operation.needed) & THEIRS
    if not operation.admits(actor.role, actor.scopes):
        status, text = await door.call(operation, actor.token, values)
        if status != 403:
            yield f"{status} instead of 403: {text}"
    elif str(operation) in BY_CODE:
        return
    elif actor.role in STAFF and operation.reach != "account":
        status, text = await door.call(operation, actor.token, values, *optional & {"dossier_id"})
        if status >= 300:
            yield f"{status}, though it may: {text}"
    elif operation.required_theirs:
        status, text = await door.call(operation, actor.token, values)
        if status != 404:
            yield f"{status} instead of 404: {text}"
        if (told := (await door.call(operation, actor.token, nothing))) != (status, text):
            yield f"{text} differs from what is said of nothing: {told}"
    else:
        bare = status, text = await door.call(operation, actor.token, values)
        if status >= 300 or any(values[name] in text for name in THEIRS):
            yield f"{status}, {text}"
        for name in optional:
            status, text = await door.call(operation, actor.token, values, name)
            # 422: a guardian never names the dossier. What nobody reads tells nothing.
            if status not in (403, 404, 422) and (status, text) != bare:
                yield f"{status} with {name}: {text}"


async def _owners(door: Door, operation: Operation, owner: str, stranger: str, values: Json) -> AsyncIterator[str]:
    """What is wrong with what the family itself is answered: it has what nobody else is answered."""
    for named in ((), *({name} for name in operation.taken.keys() & {"child_id"})):
        status, text = await door.call(operation, owner, values, *named)
        if status >= 300:
            yield f"{status}, {text}"
        elif operation.reach == "dossier" and (status, text) == await door.call(operation, stranger, values, *named):
            yield f"the same as to a stranger: {text}"
