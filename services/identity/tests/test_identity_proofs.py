"""Who signs in: passwords, second factors, PINs on tablets."""

import asyncio
from time import process_time

import pytest
from chassis import clock
from chassis.identifiers import named_id

from services.identity.tests.portal import AGENT, MARTIN, Portal, code_at

REFUSED = "urn:problem:identity:sign-in-refused"
MORE_NEEDED = "urn:problem:identity:second-factor-required"


@pytest.mark.parametrize("login", ["martin", "MARTIN", "Sophie.Martin@example.org", " martin "])
async def test_a_login_is_a_username_or_an_email_whatever_its_case(portal: Portal, login: str) -> None:
    assert (await portal.sign_in(login, MARTIN["password"]))[0] == 201


@pytest.mark.parametrize(
    ("login", "password"),
    [("martin", "bienvenue!2026"), ("nobody", "Bienvenue!2026"), ("nobody@example.org", "x"), ("agent", "x")],
)
async def test_wrong_credentials_have_one_answer(portal: Portal, login: str, password: str) -> None:
    status, problem = await portal.sign_in(login, password)
    assert (status, problem["type"]) == (401, REFUSED)
    assert problem == (await portal.sign_in("unknown", "unknown"))[1]


async def test_an_unknown_login_costs_as_much_as_a_wrong_password(portal: Portal) -> None:
    async def cost(login: str) -> float:
        """Processor time, which does not depend on how busy the machine is."""
        started = process_time()
        await portal.sign_in(login, "wrong")
        return process_time() - started

    costs = [(await cost("martin"), await cost("nobody")) for _ in range(5)]
    known, unknown = (min(column) for column in zip(*costs, strict=True))
    assert 0.5 < unknown / known < 2


async def test_staff_need_the_code_of_the_moment(portal: Portal) -> None:
    status, problem = await portal.sign_in(**AGENT)
    assert (status, problem["type"]) == (401, MORE_NEEDED)
    status, problem = await portal.sign_in(**AGENT, otp="12345")
    assert (status, problem["type"]) == (401, REFUSED)
    status, tokens = await portal.sign_in(**AGENT, otp=code_at(clock.now()))
    assert status == 201
    status, me = await portal.get("/me", tokens["access_token"])
    assert (status, me["role"], me["dossier_id"]) == (200, "agent", None)


async def test_a_code_serves_once(portal: Portal) -> None:
    code = code_at(clock.now())
    answers = await asyncio.gather(*(portal.sign_in(**AGENT, otp=code) for _ in range(3)))
    assert sorted(status for status, _ in answers) == [201, 401, 401]
    portal.later(seconds=30)
    assert (await portal.sign_in(**AGENT, otp=code_at(clock.now())))[0] == 201


async def test_a_pin_works_only_with_its_enrolled_tablet(portal: Portal) -> None:
    status, tokens = await portal.sign_in_on_tablet()
    assert status == 201
    _, me = await portal.get("/me", tokens["access_token"])
    assert me["site_ids"] == [str(named_id("site", "jean-jaures"))]
    for wrong in ({"pin": "2027"}, {"device_token": "tablette-demo-2027"}, {"login": "agent"}, {"login": "nobody"}):
        status, problem = await portal.sign_in_on_tablet(**wrong)
        assert (status, problem["type"]) == (401, REFUSED)
    # Neither as a password nor as a code, and the account has no other way in.
    for other in ({"password": "2026"}, {"password": "Guichet!2026", "otp": "2026"}):
        assert (await portal.sign_in("animateur", **other))[1]["type"] == REFUSED


async def test_a_tablet_of_another_site_opens_nothing(portal: Portal) -> None:
    await portal.execute("UPDATE accounts SET site_ids = '{}' WHERE username = 'animateur'")
    assert (await portal.sign_in_on_tablet())[1]["type"] == REFUSED


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "/password"),
        ({"otp": "123456"}, "/password"),
        ({"pin": "2026"}, "/device_token"),
        ({"device_token": "tablette-demo-2026"}, "/pin"),
        ({"device_token": "tablette-demo-2026", "pin": "2026", "password": "Guichet!2026"}, "/password"),
        ({"device_token": "tablette-demo-2026", "pin": "2026", "otp": "2026"}, "/otp"),
    ],
    ids=str,
)
async def test_a_sign_in_is_by_password_or_by_tablet(portal: Portal, body: dict[str, str], wrong: str) -> None:
    status, problem = await portal.post("/sessions", login="animateur", **body)
    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [wrong])


async def test_the_second_factor_is_asked_only_of_who_knows_the_password(portal: Portal) -> None:
    assert (await portal.sign_in("agent", "wrong"))[1]["type"] == REFUSED
