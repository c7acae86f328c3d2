"""Passkeys: registered by who proved their password, signed in with once a challenge, theirs alone, gone at once."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from chassis import clock
from chassis.testing import shifted_clock

from services.identity.tests.authenticator import Authenticator
from services.identity.tests.portal import MARTIN, Portal, code_at

Json = dict[str, Any]
REFUSED = (401, "urn:problem:identity:sign-in-refused")


async def signed_in(portal: Portal) -> str:
    return str((await portal.sign_in(**MARTIN))[1]["access_token"])


async def offered(portal: Portal, token: str, **proof: str) -> Json:
    proof = proof or {"password": MARTIN["password"]}
    status, answer = await portal.send("POST", "/passkeys/options", bearer=token, **proof)
    assert status == 200, answer
    options: Json = answer["public_key"]
    return options


async def registered(portal: Portal, device: Authenticator) -> tuple[str, Json]:
    """The token of who did it, and the passkey."""
    token = await signed_in(portal)
    credential = device.make(await offered(portal, token))
    status, passkey = await portal.send("POST", "/passkeys", bearer=token, name="Téléphone", credential=credential)
    assert status == 201, passkey
    return token, passkey


async def asked(portal: Portal) -> Json:
    status, answer = await portal.send("POST", "/sessions/passkey/options")
    assert status == 200
    options: Json = answer["public_key"]
    return options


async def sign_in(portal: Portal, credential: Json) -> tuple[int, Json]:
    return await portal.send("POST", "/sessions/passkey", credential=credential)


async def test_a_passkey_opens_the_account_of_who_made_it_and_they_are_told(portal: Portal) -> None:
    device = Authenticator()
    token, passkey = await registered(portal, device)
    assert passkey["used_at"] is None
    assert "La clé d'accès « Téléphone » a été ajoutée" in str((await portal.mails())[-1]["subject"])
    status, tokens = await sign_in(portal, device.sign(await asked(portal)))
    assert status == 201
    _, me = await portal.get("/me", tokens["access_token"])
    assert me["username"] == "martin"
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 200
    [listed] = (await portal.get("/passkeys", token))[1]["items"]
    assert listed["used_at"] is not None


async def test_the_staff_need_no_code_beside_their_passkey_but_to_make_it(portal: Portal) -> None:
    device = Authenticator()
    _, tokens = await portal.sign_in_staff("agent")
    token = tokens["access_token"]
    status, _ = await portal.send("POST", "/passkeys/options", bearer=token, password="Guichet!2026")
    assert status == 422
    with shifted_clock(portal.clock_file, 60):
        options = await offered(portal, token, password="Guichet!2026", otp=code_at(clock.now()))
        credential = device.make(options)
        assert (await portal.send("POST", "/passkeys", bearer=token, name="Clé", credential=credential))[0] == 201
        assert (await sign_in(portal, device.sign(await asked(portal))))[0] == 201


async def test_a_challenge_is_signed_once_and_while_it_is_fresh(portal: Portal) -> None:
    device = Authenticator()
    await registered(portal, device)
    credential = device.sign(await asked(portal))
    answers = await asyncio.gather(*(sign_in(portal, credential) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [201, 401, 401, 401]
    late, in_time = device.sign(await asked(portal)), device.sign(await asked(portal))
    with shifted_clock(portal.clock_file, 5 * 60 - 10):
        assert (await sign_in(portal, in_time))[0] == 201
    with shifted_clock(portal.clock_file, 5 * 60 + 10):
        status, problem = await sign_in(portal, late)
        assert (status, problem["type"]) == REFUSED


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://familles.example.org.evil.test"},
        {"knows": False},
        {"key": Authenticator().key},
        {"used": 0},
        {"id": b"another"},
    ],
    ids=["another site", "nobody verified", "another key", "counted before", "unknown"],
)
async def test_what_another_device_or_site_signed_opens_nothing(portal: Portal, wrong: Json) -> None:
    device = Authenticator()
    await registered(portal, device)
    assert (await sign_in(portal, device.sign(await asked(portal))))[0] == 201
    liar = replace(device, **wrong)
    status, problem = await sign_in(portal, liar.sign(await asked(portal)))
    assert (status, problem["type"]) == REFUSED
    assert (await sign_in(portal, device.sign(await asked(portal))))[0] == 201


async def test_a_challenge_offered_to_one_account_registers_for_no_other(portal: Portal) -> None:
    device = Authenticator()
    options = await offered(portal, await signed_in(portal))
    other = str((await portal.sign_in_staff("agent"))[1]["access_token"])
    body: Json = {"name": "Téléphone", "credential": device.make(options)}
    status, problem = await portal.send("POST", "/passkeys", bearer=other, **body)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/credential")
    assert (await portal.send("POST", "/passkeys", bearer=await signed_in(portal), **body))[0] == 201


async def test_a_removed_passkey_opens_nothing_and_only_its_owner_removes_it(portal: Portal) -> None:
    device = Authenticator()
    token, passkey = await registered(portal, device)
    path = f"/passkeys/{passkey['id']}"
    other = str((await portal.sign_in_staff("agent"))[1]["access_token"])
    assert await portal.delete(path, other) == 404
    assert (await sign_in(portal, device.sign(await asked(portal))))[0] == 201
    assert await portal.delete(path, token) == 204
    assert await portal.delete(path, token) == 404
    assert (await sign_in(portal, device.sign(await asked(portal))))[0] == 401


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"id": 5},
        {"response": []},
        {"id": "é", "response": {"clientDataJSON": "{}"}},
        {"response": {"clientDataJSON": "bm9wZQ"}},
    ],
    ids=["nothing", "a number", "a list", "no base64", "no JSON"],
)
async def test_what_is_no_credential_is_refused(portal: Portal, credential: Json) -> None:
    status, problem = await sign_in(portal, credential)
    assert (status, problem["type"]) == REFUSED
    token = await signed_in(portal)
    status, problem = await portal.send("POST", "/passkeys", bearer=token, name="Clé", credential=credential)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/credential")
