"""Whose dossier it is, and every way in which it is not."""

import asyncio
from typing import Any

import pytest
from chassis.identifiers import named_id
from contracts.dossier import Adult

from services.identity.tests.portal import Portal, moreau


async def test_names_are_compared_without_case_accents_hyphens_and_spaces(portal: Portal) -> None:
    status, _ = await portal.claim(dossier_number=" 100 042 ", last_name="MÔ-réau ", email="Claire.Moreau@Example.org")
    assert status == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"dossier_number": "999999"},
        {"dossier_number": "100001"},
        {"last_name": "Morel"},
        {"last_name": "-"},
        {"email": "claire@example.org"},
        {"email": "claire"},
    ],
    ids=str,
)
async def test_any_mismatch_of_a_claim_has_one_and_the_same_answer(portal: Portal, wrong: dict[str, str]) -> None:
    _, reference = await portal.claim(dossier_number="000000", last_name="Personne", email="nobody@example.org")
    status, problem = await portal.claim(**wrong)
    assert (status, problem["type"]) == (404, "urn:problem:identity:claim-refused")
    assert problem == reference


@pytest.mark.parametrize("roles", [("contact",), ("payer",), ("payer", "contact"), ()])
async def test_only_a_legal_guardian_with_an_email_can_be_claimed(portal: Portal, roles: tuple[Any, ...]) -> None:
    contact = Adult(
        adult_id=named_id("adult", "100042", "2"),
        first_name="Paul",
        last_name="Petit",
        roles=roles,
        email="paul@example.org",
    )
    silent = Adult(
        adult_id=named_id("adult", "100042", "3"), first_name="Luc", last_name="Moreau", roles=("legal_guardian",)
    )
    await portal.hear(moreau(2, adults=(contact, silent)))
    assert (await portal.claim(last_name="Petit", email="paul@example.org"))[0] == 404
    assert (await portal.claim())[0] == 404
    guardian = contact.model_copy(update={"roles": ("legal_guardian",)})
    await portal.hear(moreau(3, adults=(guardian,)))
    assert (await portal.claim(last_name="Petit", email="paul@example.org"))[0] == 201


async def test_an_archived_dossier_cannot_be_claimed(portal: Portal) -> None:
    await portal.hear(moreau(2, status="archived"))
    assert (await portal.claim())[0] == 404


async def test_an_older_state_of_the_dossier_that_arrives_late_is_void(portal: Portal) -> None:
    newer = moreau(3, adults=(moreau().adults[0].model_copy(update={"email": "claire@new.example.org"}),))
    await portal.hear(newer)
    await portal.hear(moreau(2))
    await portal.hear(newer)
    assert (await portal.claim())[0] == 404
    assert (await portal.claim(email="claire@new.example.org"))[0] == 201


async def test_of_a_couple_with_one_name_and_email_each_gets_their_own_account(portal: Portal) -> None:
    claire = moreau().adults[0]
    paul = claire.model_copy(update={"adult_id": named_id("adult", "100042", "2"), "first_name": "Paul"})
    await portal.hear(moreau(2, adults=(claire, paul)))
    _, given = await portal.claim(first_name="paul")
    await portal.register(given["dossier_claim"], first_name="Paul", username="pmoreau")
    await portal.activate(await portal.link())
    await portal.register()
    await portal.activate(await portal.link())
    for username, index in (("pmoreau", "2"), ("cmoreau", "1")):
        _, tokens = await portal.sign_in(username)
        _, me = await portal.get("/me", tokens["access_token"])
        assert me["guardian_id"] == str(named_id("adult", "100042", index))
    # Their email now means two accounts, so neither.
    status, problem = await portal.sign_in("claire.moreau@example.org")
    assert (status, problem["type"]) == (401, "urn:problem:identity:sign-in-refused")
    assert (await portal.claim())[1]["type"] == "urn:problem:identity:already-registered"


async def test_a_claim_serves_once(portal: Portal) -> None:
    _, given = await portal.claim()
    assert (await portal.register(given["dossier_claim"]))[0] == 202
    status, problem = await portal.register(given["dossier_claim"], username="other")
    assert (status, problem["type"]) == (410, "urn:problem:identity:claim-gone")
    status, problem = await portal.register("unknown", username="other")
    assert (status, problem["type"]) == (410, "urn:problem:identity:claim-gone")


async def test_of_two_registrations_at_once_with_one_claim_one_wins(portal: Portal) -> None:
    _, given = await portal.claim()
    answers = await asyncio.gather(*(portal.register(given["dossier_claim"], username=f"cmoreau{n}") for n in range(5)))
    assert sorted(status for status, _ in answers) == [202, 410, 410, 410, 410]
    assert await portal.scalars("SELECT count(*) FROM accounts WHERE status = 'pending'") == [1]


async def test_a_claim_is_over_after_an_hour(portal: Portal) -> None:
    _, given = await portal.claim()
    portal.later(hours=1, seconds=1)
    assert (await portal.register(given["dossier_claim"]))[0] == 410


async def test_a_guardian_taken_off_the_dossier_since_the_claim_cannot_register(portal: Portal) -> None:
    _, given = await portal.claim()
    await portal.hear(moreau(2, adults=()))
    status, problem = await portal.register(given["dossier_claim"])
    assert (status, problem["type"]) == (410, "urn:problem:identity:claim-gone")
