"""The town's programs get tokens by client credentials."""

import base64
import json
from typing import Any

import pytest
from chassis.identifiers import named_id
from chassis.testing import Signer
from joserfc import jwt

from services.identity.tests.portal import Portal

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
