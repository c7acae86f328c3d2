"""From a dossier number to an active account, and every way in which it may fail."""

import asyncio
from typing import Any

import pytest
from chassis.identifiers import named_id
from contracts.dossier import Adult
from contracts.identity import AccountActivated
from identity.worker import forget_what_is_over

from services.identity.tests.portal import PASSWORD, Portal, moreau


def pointers(problem: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


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


async def test_a_guardian_without_email_or_a_mere_contact_cannot_be_claimed(portal: Portal) -> None:
    contact = Adult(
        adult_id=named_id("adult", "100042", "2"),
        first_name="Paul",
        last_name="Petit",
        roles=("contact",),
        email="paul@example.org",
    )
    silent = Adult(
        adult_id=named_id("adult", "100042", "3"), first_name="Luc", last_name="Moreau", roles=("legal_guardian",)
    )
    await portal.hear(moreau(2, adults=(contact, silent)))
    assert (await portal.claim(last_name="Petit", email="paul@example.org"))[0] == 404
    assert (await portal.claim())[0] == 404


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


async def test_a_registration_needs_the_claims_own_email(portal: Portal) -> None:
    _, given = await portal.claim()
    status, problem = await portal.register(given["dossier_claim"], email="claire@elsewhere.example.org")
    assert (status, pointers(problem)) == (422, ["/email"])
    # The refusal did not use the claim.
    assert (await portal.register(given["dossier_claim"]))[0] == 202


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("Ab!", "6 caractères"),
        ("papillon!24", "majuscule"),
        ("Papillon24", "caractère spécial"),
        ("Motdepasse!", "courant"),
        ("Xx!CMoreau", "nom d'utilisateur"),
    ],
)
async def test_a_weak_password_is_refused_with_the_rule_it_breaks(portal: Portal, password: str, rule: str) -> None:
    for status, problem in (
        await portal.post("/registrations/check", username="cmoreau", password=password),
        await portal.register(password=password),
    ):
        assert (status, pointers(problem)) == (422, ["/password"])
        assert rule in problem["errors"][0]["detail"]


async def test_the_first_step_is_checked_field_by_field(portal: Portal) -> None:
    good = {"last_name": "Moreau", "first_name": "Claire", "email": "c@example.org", "username": "cmoreau"}
    for name, value in good.items():
        assert await portal.post("/registrations/check", **{name: value}) == (204, {})
    assert (await portal.post("/registrations/check", **good, password=PASSWORD))[0] == 204
    for name, value in {
        "last_name": "-",
        "first_name": "",
        "email": "c@example",
        "username": "a b",
        "password": "x",
        "role": "agent",
    }.items():
        status, problem = await portal.post("/registrations/check", **{name: value})
        assert (status, pointers(problem)[0]) == (422, f"/{name}")


async def test_a_username_is_taken_whatever_its_case_and_an_email_never(portal: Portal) -> None:
    status, problem = await portal.post("/registrations/check", username="Martin", email="sophie.martin@example.org")
    assert (status, pointers(problem)) == (422, ["/username"])
    status, problem = await portal.register(username="MARTIN")
    assert (status, pointers(problem)) == (422, ["/username"])


@pytest.mark.parametrize("kind", ["terms_version", "privacy_version"])
async def test_only_the_current_legal_texts_can_be_accepted(portal: Portal, kind: str) -> None:
    status, problem = await portal.register(**{kind: "2020-01"})
    assert (status, pointers(problem)) == (422, [f"/{kind}"])


async def test_each_acceptance_is_kept_and_cannot_be_changed(portal: Portal) -> None:
    await portal.register()
    (account,) = await portal.scalars("SELECT id FROM accounts WHERE username = 'cmoreau'")
    kept = await portal.scalars(f"SELECT kind || ' ' || version FROM acceptances WHERE account_id = '{account}'")
    assert sorted(kept) == ["privacy 2026-09", "terms 2026-09"]
    for change in ("UPDATE acceptances SET version = 'x'", "DELETE FROM acceptances", "DELETE FROM legal_texts"):
        with pytest.raises(Exception, match="permission denied"):
            await portal.scalars(change)


async def test_the_legal_texts_are_public(portal: Portal) -> None:
    for kind, title in (
        ("terms", "Conditions générales d'utilisation"),
        ("privacy", "Politique de confidentialité"),
    ):
        async with portal.client.get(f"/v1/legal/{kind}") as answer:
            read = await answer.json()
        assert (read["version"], read["title"]) == ("2026-09", title)
        assert "Villeneuve" in read["text"] or "commune" in read["text"]


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


async def test_of_two_registrations_at_once_with_one_username_one_wins(portal: Portal) -> None:
    secrets = [(await portal.claim())[1]["dossier_claim"] for _ in range(3)]
    answers = await asyncio.gather(*(portal.register(secret) for secret in secrets))
    assert sorted(status for status, _ in answers) == [202, 422, 422]


async def test_a_claim_is_over_after_an_hour(portal: Portal) -> None:
    _, given = await portal.claim()
    portal.later(hours=1, seconds=1)
    assert (await portal.register(given["dossier_claim"]))[0] == 410


async def test_nobody_signs_in_before_the_link_is_followed(portal: Portal) -> None:
    await portal.register()
    for login in ("cmoreau", "claire.moreau@example.org"):
        status, problem = await portal.sign_in(login)
        assert (status, problem["type"]) == (401, "urn:problem:identity:not-activated")
        # Only who knows the password is told.
        status, problem = await portal.sign_in(login, "Autre!2026")
        assert (status, problem["type"]) == (401, "urn:problem:identity:sign-in-refused")


async def test_a_link_used_twice_is_gone(portal: Portal) -> None:
    await portal.register()
    secret = await portal.link()
    assert (await portal.activate(secret))[0] == 204
    status, problem = await portal.activate(secret)
    assert (status, problem["type"]) == (410, "urn:problem:identity:link-gone")
    assert (await portal.activate("unknown"))[1] == problem
    assert (
        len([one for one in await portal.published() if isinstance(one, AccountActivated)]) == 3
    )  # two are the town's


async def test_a_link_followed_twice_at_once_activates_once(portal: Portal) -> None:
    await portal.register()
    secret = await portal.link()
    answers = await asyncio.gather(*(portal.activate(secret) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [204, 410, 410, 410]


async def test_a_link_is_gone_after_72_hours(portal: Portal) -> None:
    await portal.register()
    secret = await portal.link()
    portal.later(hours=72, seconds=1)
    status, problem = await portal.activate(secret)
    assert (status, problem["type"]) == (410, "urn:problem:identity:link-gone")


async def test_a_newer_link_kills_the_older(portal: Portal) -> None:
    await portal.register()
    older = await portal.link()
    assert await portal.post("/registrations/resend", email="Claire.Moreau@example.org") == (202, {})
    newer = await portal.link()
    assert newer != older
    assert (await portal.activate(older))[0] == 410
    assert (await portal.activate(newer))[0] == 204


async def test_a_link_sent_again_is_good_for_72_hours_of_its_own(portal: Portal) -> None:
    await portal.register()
    portal.later(hours=71)
    await portal.post("/registrations/resend", email="claire.moreau@example.org")
    secret = await portal.link()
    portal.later(hours=140)
    await forget_what_is_over(portal.database, portal.settings)
    assert (await portal.activate(secret))[0] == 204


async def test_asking_for_a_link_tells_nobody_who_registers_and_floods_nobody(portal: Portal) -> None:
    await portal.register()
    for email in ("nobody@example.org", "sophie.martin@example.org", *["claire.moreau@example.org"] * 8):
        assert await portal.post("/registrations/resend", email=email) == (202, {})
    mails = await portal.mails()
    assert [mail["To"] for mail in mails] == ["claire.moreau@example.org"] * (1 + portal.settings.resend_limit)


async def test_after_72_hours_a_registration_is_purged_and_its_username_free(portal: Portal) -> None:
    await portal.register()
    portal.later(hours=71)
    await forget_what_is_over(portal.database, portal.settings)
    assert (await portal.post("/registrations/check", username="cmoreau"))[0] == 422
    portal.later(hours=72, seconds=1)
    await forget_what_is_over(portal.database, portal.settings)
    assert (await portal.post("/registrations/check", username="cmoreau"))[0] == 204
    assert await portal.mails() == []  # the mail that had not left will not
    assert (await portal.register())[0] == 202


async def test_an_active_account_is_not_purged(portal: Portal) -> None:
    await portal.register()
    await portal.activate(await portal.link())
    portal.later(hours=100)
    await forget_what_is_over(portal.database, portal.settings)
    assert (await portal.sign_in())[0] == 201


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


async def test_a_link_request_is_kept_for_an_agent(portal: Portal, signer: Any) -> None:
    asked = {"last_name": "Moreau", "first_name": "Claire", "email": "claire@new.example.org"}
    assert await portal.post("/link-requests", **asked, dossier_number="100042") == (202, {})
    assert await portal.post("/link-requests", **asked) == (202, {})
    status, page = await portal.get("/link-requests?limit=1", signer.token("agent"))
    assert (status, len(page["items"]), page["items"][0]["dossier_number"]) == (200, 1, "100042")
    _, rest = await portal.get(f"/link-requests?cursor={page['next_cursor']}", signer.token("agent"))
    assert ([item["dossier_number"] for item in rest["items"]], rest["next_cursor"]) == ([None], None)
    assert (await portal.get("/link-requests", signer.token("guardian")))[0] == 403
