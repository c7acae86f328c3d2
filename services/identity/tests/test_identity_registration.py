"""From a claim to an account that signs in, and nothing believed on the way."""

import asyncio

import pytest
from chassis.identifiers import named_id
from contracts.identity import AccountActivated

from services.identity.tests.portal import PASSWORD, Portal, pointers


async def test_a_claim_a_registration_and_a_link_make_an_account_that_signs_in(portal: Portal) -> None:
    status, _ = await portal.register()
    assert status == 202
    status, _ = await portal.activate(await portal.link())
    assert status == 204
    status, tokens = await portal.sign_in()
    assert (status, tokens["expires_in"]) == (201, 600)
    status, me = await portal.get("/me", tokens["access_token"])
    assert status == 200
    expected = {"username": "cmoreau", "role": "guardian", "status": "active", "email": "claire.moreau@example.org"}
    assert expected.items() <= me.items()
    assert me["dossier_id"] == str(named_id("dossier", "100042"))
    assert me["guardian_id"] == str(named_id("adult", "100042", "1"))
    told = (await portal.published())[-1]
    assert isinstance(told, AccountActivated)
    assert (str(told.account_id), told.version, told.email) == (me["id"], 1, "claire.moreau@example.org")


async def test_a_registration_needs_the_claims_own_email(portal: Portal) -> None:
    _, given = await portal.claim()
    status, problem = await portal.register(given["dossier_claim"], email="claire@elsewhere.example.org")
    assert (status, pointers(problem)) == (422, ["/email"])
    # The refusal did not use the claim.
    assert (await portal.register(given["dossier_claim"]))[0] == 202


async def test_a_registration_without_a_claim_tells_nothing_of_usernames_and_is_counted(portal: Portal) -> None:
    stranger = "203.0.113.7"
    _, given = await portal.claim()
    _, reference = await portal.register("unknown", username="nobody.has.it")
    assert await portal.register("unknown", username="martin") == (410, reference)
    asked = {
        "last_name": "Moreau",
        "first_name": "Claire",
        "email": "claire.moreau@example.org",
        "username": "martin",
        "password": PASSWORD,
        "dossier_claim": "unknown",
        "terms_version": "2026-09",
        "privacy_version": "2026-09",
    }
    for _ in range(portal.settings.claim_limit):
        assert (await portal.post("/registrations", stranger, **asked))[0] == 410
    assert (await portal.post("/registrations", stranger, **asked))[0] == 429
    # With a claim, the usernames asked for are counted as in the first step.
    portal.settings.check_limit = 2
    asked["dossier_claim"] = given["dossier_claim"]
    assert [(await portal.post("/registrations", "192.0.2.1", **asked))[0] for _ in range(3)] == [422, 422, 429]
    portal.settings.check_limit = 200
    assert (await portal.register(given["dossier_claim"]))[0] == 202


async def test_registrations_again_and_again_flood_nobody(portal: Portal) -> None:
    for number in range(portal.settings.resend_limit + 2):
        assert (await portal.register(username=f"stranger{number}"))[0] == 202
    assert len(await portal.mails()) == portal.settings.resend_limit
    # Any of these links lets the guardian in.
    assert (await portal.activate(await portal.link(), new_password=PASSWORD))[0] == 204


async def test_a_guardian_has_one_active_account(portal: Portal) -> None:
    secrets = [(await portal.claim())[1]["dossier_claim"] for _ in range(3)]
    links = []
    for number, secret in enumerate(secrets[:2]):
        await portal.register(secret, username=f"cmoreau{number}")
        links.append(await portal.link())
    answers = await asyncio.gather(*(portal.activate(link) for link in links))
    assert sorted(status for status, _ in answers) == [204, 409]
    status, problem = await portal.register(secrets[2], username="third")
    assert (status, problem["type"]) == (409, "urn:problem:identity:already-registered")
    status, problem = await portal.claim()
    assert (status, problem["type"]) == (409, "urn:problem:identity:already-registered")
    # Without the whole proof nobody is told so.
    assert (await portal.claim(email="claire@example.org"))[0] == 404


async def test_a_body_cannot_set_a_role_or_a_dossier(portal: Portal) -> None:
    for field in ("role", "dossier_id", "guardian_id", "status"):
        status, problem = await portal.register(**{field: "agent"})
        assert (status, pointers(problem)) == (422, [f"/{field}"])


@pytest.mark.parametrize("field", ["last_name", "email", "username", "password", "dossier_claim", "terms_version"])
async def test_a_nul_or_a_line_end_is_never_a_server_error(portal: Portal, field: str) -> None:
    for value in ("a\x00b!A12", "a\nb!A12", "\ud800"):
        status, _ = await portal.register("unknown", **{field: value})
        assert status in (410, 422)
