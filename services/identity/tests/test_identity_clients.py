"""The town's programs get tokens by client credentials."""

import asyncio
import base64
import json
from typing import Any
from uuid import UUID

import pytest
from chassis.identifiers import named_id, new_id
from chassis.testing import Signer
from identity.worker import forget_what_is_over
from joserfc import jwt

from services.identity.tests.portal import MARTIN, Portal, pointers

ASKED = {"grant_type": "client_credentials", "client_id": "meal-kitchen", "client_secret": "Cuisine!2026"}


async def ask(portal: Portal, headers: dict[str, str] | None = None, **sent: Any) -> tuple[int, dict[str, Any]]:
    async with portal.client.post("/v1/oauth/token", headers=headers, **sent) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_client_gets_a_token_of_its_scopes_by_form_json_or_basic(portal: Portal, signer: Signer) -> None:
    basic = "Basic " + base64.b64encode(b"meal-kitchen:Cuisine!2026").decode()
    for sent in (
        {"data": ASKED},
        {"json": ASKED},
        {"data": ASKED | {"scope": "meals:read"}},
        {"data": {"grant_type": "client_credentials"}, "headers": {"Authorization": basic}},
    ):
        status, given = await ask(portal, **sent)
        assert status == 200
        assert {key: given[key] for key in ("token_type", "expires_in", "scope")} == {
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": "meals:read",
        }
        said = jwt.decode(given["access_token"], signer.keys, algorithms=["ES256"]).claims
        assert (said["role"], said["scope"]) == ("integrator", "meals:read")
        assert said["sub"] == str(named_id("client", "meal-kitchen"))


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "meals:read admin"}, 400, "invalid_scope"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"client_id": "a\x00"}, 400, "invalid_request"),
    ],
)
async def test_a_refusal_is_an_rfc_6749_error_and_a_problem(
    portal: Portal, changed: dict[str, str], status: int, error: str
) -> None:
    answered, problem = await ask(portal, data=ASKED | changed)
    assert (answered, problem["error"], problem["status"]) == (status, error, status)
    assert problem["type"].startswith("urn:problem:identity:")


@pytest.mark.parametrize("body", ["", "[]", "[1]", "7", '"text"', "{", "[" * 5000, json.dumps(ASKED | {"scope": 3})])
async def test_nonsense_is_never_a_server_error(portal: Portal, body: str) -> None:
    status, problem = await ask(portal, {"Content-Type": "application/json"}, data=body)
    assert (status, problem["error"]) == (400, "invalid_request")
    status, problem = await ask(portal, {"Authorization": "Basic é%"}, data={"grant_type": "client_credentials"})
    assert (status, problem["error"]) == (400, "invalid_request")


async def test_wrong_secrets_are_slowed(portal: Portal) -> None:
    for _ in range(10):
        assert (await ask(portal, data=ASKED | {"client_secret": "wrong"}))[0] == 401
    assert (await ask(portal, data=ASKED))[0] == 429


# ---------------------------------------------------------------------- named by an administrator


@pytest.fixture
async def admin(portal: Portal) -> str:
    return str((await portal.sign_in_staff("admin"))[1]["access_token"])


NEW = {"name": "transport-scolaire", "scope": "meals:read planning:read"}


async def added(portal: Portal, admin: str) -> dict[str, Any]:
    status, told = await portal.send("POST", "/clients", bearer=admin, **NEW)
    assert status == 201
    return told


async def rotated(portal: Portal, admin: str, client: dict[str, Any], **how: Any) -> str:
    status, told = await portal.send("POST", f"/clients/{client['id']}/secrets", bearer=admin, **how)
    assert status == 201
    return str(told["secret"])


async def gets_a_token(portal: Portal, secret: str) -> int:
    asked = {"grant_type": "client_credentials", "client_id": NEW["name"], "client_secret": secret}
    return (await ask(portal, data=asked))[0]


async def test_a_new_programs_secret_is_told_once_and_nowhere_kept(portal: Portal, admin: str) -> None:
    told = await added(portal, admin)
    status, given = await ask(
        portal, data=ASKED | {"client_id": NEW["name"], "client_secret": told["secret"], "scope": "planning:read"}
    )
    assert (status, given["scope"]) == (200, "planning:read")
    _, page = await portal.get("/clients", admin)
    assert [one["name"] for one in page["items"] if one["id"] == told["id"]] == [NEW["name"]]
    assert told["secret"] not in str(page)
    assert told["secret"] not in str(await portal.scalars("SELECT hash FROM client_secrets"))
    status, problem = await portal.send("POST", "/clients", bearer=admin, **NEW)
    assert (status, problem["type"]) == (409, "urn:problem:identity:client-exists")
    assert await gets_a_token(portal, told["secret"]) == 200


async def test_a_secret_is_rotated_without_a_refused_request(portal: Portal, admin: str) -> None:
    client = await added(portal, admin)
    second = await rotated(portal, admin, client, former_valid_h=2)
    assert [await gets_a_token(portal, one) for one in (client["secret"], second)] == [200, 200]
    portal.later(hours=1, minutes=59)
    assert await gets_a_token(portal, client["secret"]) == 200
    portal.later(hours=2, seconds=1)
    assert [await gets_a_token(portal, one) for one in (client["secret"], second)] == [401, 200]
    await forget_what_is_over(portal.database, portal.settings)
    assert await portal.scalars(f"SELECT count(*) FROM client_secrets WHERE client_id = '{client['id']}'") == [1]


async def test_the_secret_of_the_towns_file_is_rotated_like_any_other(portal: Portal, admin: str) -> None:
    client = {"id": named_id("client", "meal-kitchen")}
    new = await rotated(portal, admin, client, former_valid_h=1)
    for secret in ("Cuisine!2026", new):
        assert (await ask(portal, data=ASKED | {"client_secret": secret}))[0] == 200
    assert (await ask(portal, data=ASKED | {"client_secret": new[:9]}))[0] == 401
    portal.later(hours=1, seconds=1)
    answers = [(await ask(portal, data=ASKED | {"client_secret": one}))[0] for one in ("Cuisine!2026", new)]
    assert answers == [401, 200]


async def test_a_stolen_secret_ends_at_once_and_no_more_than_two_are_good(portal: Portal, admin: str) -> None:
    client = await added(portal, admin)
    second = await rotated(portal, admin, client, former_valid_h=0)
    assert [await gets_a_token(portal, one) for one in (client["secret"], second)] == [401, 200]
    third, fourth = [await rotated(portal, admin, client) for _ in range(2)]
    assert [await gets_a_token(portal, one) for one in (second, third, fourth)] == [401, 200, 200]
    _, page = await portal.get("/clients", admin)
    (shown,) = [one for one in page["items"] if one["id"] == client["id"]]
    assert [one["expires_at"] is None for one in shown["secrets"]] == [True, False]


async def test_of_many_rotations_at_once_the_last_two_secrets_are_good(portal: Portal, admin: str) -> None:
    client = await added(portal, admin)
    secrets = await asyncio.gather(*(rotated(portal, admin, client) for _ in range(4)))
    assert sorted([await gets_a_token(portal, one) for one in secrets]) == [200, 200, 401, 401]


async def test_a_removed_program_gets_no_token_and_its_name_is_free(portal: Portal, admin: str) -> None:
    client = await added(portal, admin)
    assert await gets_a_token(portal, client["secret"]) == 200
    assert await portal.delete(f"/clients/{client['id']}", admin) == 204
    assert await portal.delete(f"/clients/{client['id']}", admin) == 404
    assert await gets_a_token(portal, client["secret"]) == 401
    assert await portal.revoked() == [UUID(client["id"])]
    for table, column in (("client_secrets", "client_id"), ("known_addresses", "owner_id")):
        assert await portal.scalars(f"SELECT count(*) FROM {table} WHERE {column} = '{client['id']}'") == [0]
    assert (await added(portal, admin))["id"] != client["id"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": "Transport Scolaire"}, "/name"),
        ({"name": ""}, "/name"),
        ({"scope": "everything"}, "/scope"),
        ({"scope": ""}, "/scope"),
        ({"scope": "meals:read  planning:read"}, "/scope"),
        ({"secret": "Cuisine!2026"}, "/secret"),
    ],
    ids=str,
)
async def test_a_program_has_a_plain_name_and_scopes(
    portal: Portal, admin: str, wrong: dict[str, str], pointer: str
) -> None:
    status, problem = await portal.send("POST", "/clients", bearer=admin, **NEW | wrong)
    assert (status, pointers(problem)) == (422, [pointer])
    await added(portal, admin)


async def test_administrators_alone_name_programs(portal: Portal, admin: str) -> None:
    client = await added(portal, admin)
    path = f"/clients/{client['id']}"
    for tokens in ((await portal.sign_in(**MARTIN))[1], (await portal.sign_in_staff())[1]):
        bearer = tokens["access_token"]
        assert (await portal.get("/clients", bearer))[0] == 403
        assert (await portal.send("POST", "/clients", bearer=bearer, **NEW))[0] == 403
        assert (await portal.send("POST", f"{path}/secrets", bearer=bearer))[0] == 403
        assert await portal.delete(path, bearer) == 403
    assert (await portal.send("POST", f"/clients/{new_id()}/secrets", bearer=admin))[0] == 404
    for hours in (-1, 10_000, "soon"):
        assert (await portal.send("POST", f"{path}/secrets", bearer=admin, former_valid_h=hours))[0] == 422
    assert await gets_a_token(portal, client["secret"]) == 200
