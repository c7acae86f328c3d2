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


async def mail_text(portal: Portal) -> str:
    mail = (await portal.mails())[-1]
    return f"{mail['Subject']} {mail['To']} " + " ".join(str(part.get_content()) for part in mail.iter_parts())


async def test_no_word_of_who_registers_is_in_the_towns_mail(portal: Portal) -> None:
    """Who holds the invoice types what they like; the guardian reads the town's words and their own name."""
    _, given = await portal.claim()
    status, _ = await portal.register(
        given["dossier_claim"],
        first_name="Gagnez un lot sur https colon evil point example",
        last_name="Mo-REAU Appelez le 0899",
        username="urgent.appelez.le.0899",
        email="CLAIRE.Moreau@EXAMPLE.org",
    )
    assert status == 202
    text = await mail_text(portal)
    assert "Bonjour Claire Moreau," in text
    assert "claire.moreau@example.org" in text
    for word in ("evil", "Gagnez", "0899", "urgent", "CLAIRE", "REAU"):
        assert word not in text


async def test_a_stranger_who_registers_first_never_gets_in(portal: Portal) -> None:
    await portal.register(username="stranger", password="Intrus!2026", first_name="Nom inventé")
    link = await portal.link()
    assert (await portal.activate(link, new_password=PASSWORD))[0] == 204
    for login in ("stranger", "claire.moreau@example.org"):
        assert (await portal.sign_in(login, "Intrus!2026"))[0] == 401
        assert (await portal.sign_in(login, PASSWORD))[0] == 201
    _, tokens = await portal.sign_in("stranger")
    _, me = await portal.get("/me", tokens["access_token"])
    assert (me["first_name"], me["last_name"]) == ("Claire", "Moreau")


async def test_the_guardian_may_choose_another_username_with_the_new_password(portal: Portal) -> None:
    await portal.register(username="stranger", password="Intrus!2026")
    link = await portal.link()
    for taken in ("Martin", "diallo"):
        status, problem = await portal.activate(link, new_password=PASSWORD, username=taken)
        assert (status, pointers(problem)) == (422, ["/username"])
    assert (await portal.activate(link, new_password=PASSWORD, username="Claire.M"))[0] == 204
    assert (await portal.sign_in("claire.m"))[0] == 201
    assert (await portal.sign_in("stranger"))[0] == 401
    assert await portal.post("/registrations/check", username="stranger") == (204, {})


async def test_a_new_password_is_held_to_the_towns_rule_and_to_the_username(portal: Portal) -> None:
    await portal.register()
    link = await portal.link()
    for how, rule in (
        ({"new_password": "Ab!"}, "6 caractères"),
        ({"new_password": "Xx!CMoreau"}, "nom d'utilisateur"),
        ({"new_password": "Xx!Lune", "username": "lune"}, "nom d'utilisateur"),
    ):
        status, problem = await portal.activate(link, **how)
        assert (status, pointers(problem)) == (422, ["/new_password"])
        assert rule in problem["errors"][0]["detail"]
    assert (await portal.activate(link, new_password="Xx!CMoreau", username="lune"))[0] == 204


@pytest.mark.parametrize(
    ("how", "wrong"),
    [
        ({"password": ""}, "/password"),
        ({"password": PASSWORD, "new_password": PASSWORD}, "/new_password"),
        ({"password": PASSWORD, "username": "claire"}, "/username"),
        ({"username": "claire"}, "/password"),
        ({"new_password": PASSWORD, "username": "a b"}, "/username"),
    ],
)
async def test_an_activation_says_one_password(portal: Portal, how: dict[str, str], wrong: str) -> None:
    await portal.register()
    link = await portal.link()
    status, problem = await portal.post("/activations", token=link, **how)
    assert (status, pointers(problem)) == (422, [wrong])
    status, problem = await portal.post("/activations", token=link)
    assert (status, pointers(problem)) == (422, ["/password"])
    assert (await portal.activate(link))[0] == 204


async def test_a_wrong_password_activates_nothing_and_is_counted(portal: Portal) -> None:
    await portal.register()
    link = await portal.link()
    for _ in range(10):
        status, problem = await portal.activate(link, password="Intrus!2026")
        assert (status, problem["type"]) == (401, "urn:problem:identity:wrong-password")
    assert (await portal.activate(link))[0] == 429
    assert (await portal.sign_in())[1]["type"] == "urn:problem:identity:not-activated"
    # A new password needs no guess: nobody keeps the guardian from it.
    assert (await portal.activate(link, new_password=PASSWORD))[0] == 204


async def test_an_unknown_link_is_gone_however_often_it_is_tried(portal: Portal) -> None:
    for how in ({"password": "Intrus!2026"}, {"new_password": PASSWORD}):
        status, problem = await portal.activate("unknown", **how)
        assert (status, problem["type"]) == (410, "urn:problem:identity:link-gone")


async def test_a_password_and_a_new_one_at_once_activate_once(portal: Portal) -> None:
    await portal.register()
    link = await portal.link()
    answers = await asyncio.gather(
        *(portal.activate(link, new_password=f"Papillon!24{n}") for n in range(3)), portal.activate(link)
    )
    assert sorted(status for status, _ in answers) == [204, 410, 410, 410]
    winner = [status for status, _ in answers].index(204)
    password = PASSWORD if winner == 3 else f"Papillon!24{winner}"
    assert (await portal.sign_in("cmoreau", password))[0] == 201


async def test_usernames_asked_for_at_once_are_given_once(portal: Portal) -> None:
    links = []
    for number in range(2):
        dossier = f"20000{number}"
        adult = moreau().adults[0].model_copy(update={"adult_id": named_id("adult", dossier, "1")})
        await portal.hear(moreau(1, number=dossier, dossier_id=named_id("dossier", dossier), adults=(adult,)))
        _, given = await portal.claim(dossier_number=dossier)
        await portal.register(given["dossier_claim"], username=f"stranger{number}")
        links.append(await portal.link())
    answers = await asyncio.gather(*(portal.activate(one, new_password=PASSWORD, username="claire") for one in links))
    assert sorted(status for status, _ in answers) == [204, 422]


async def test_a_guardian_taken_off_the_dossier_since_the_claim_cannot_register(portal: Portal) -> None:
    _, given = await portal.claim()
    await portal.hear(moreau(2, adults=()))
    status, problem = await portal.register(given["dossier_claim"])
    assert (status, problem["type"]) == (410, "urn:problem:identity:claim-gone")


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


@pytest.mark.parametrize("followed", ["older", "newer"])
async def test_a_link_sent_again_leaves_the_older_good_until_one_is_used(portal: Portal, followed: str) -> None:
    await portal.register()
    links = {"older": await portal.link()}
    assert await portal.post("/registrations/resend", email="Claire.Moreau@example.org") == (202, {})
    links["newer"] = await portal.link()
    assert links["newer"] != links["older"]
    assert (await portal.activate(links[followed]))[0] == 204
    assert [(await portal.activate(link))[0] for link in links.values()] == [410, 410]


async def test_each_link_is_gone_after_its_own_72_hours(portal: Portal) -> None:
    await portal.register()
    older = await portal.link()
    portal.later(hours=48)
    await portal.post("/registrations/resend", email="claire.moreau@example.org")
    newer = await portal.link()
    portal.later(hours=73)
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


async def test_links_sent_again_are_counted_by_address_too(portal: Portal) -> None:
    """Who asks for everybody's link floods nobody; the answer never changes."""
    portal.settings.resend_address_limit = 2
    await portal.register()
    for email in ("a@example.org", "b@example.org", "claire.moreau@example.org"):
        assert await portal.post("/registrations/resend", "203.0.113.7", email=email) == (202, {})
    assert len(await portal.mails()) == 1
    assert await portal.post("/registrations/resend", "198.51.100.20", email="claire.moreau@example.org") == (202, {})
    assert len(await portal.mails()) == 2


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


async def test_a_link_request_is_kept_for_an_agent(portal: Portal) -> None:
    agent = (await portal.sign_in_staff())[1]["access_token"]
    family = (await portal.sign_in("martin", "Bienvenue!2026"))[1]["access_token"]
    asked = {"last_name": "Moreau", "first_name": "Claire", "email": "claire@new.example.org"}
    assert await portal.post("/link-requests", **asked, dossier_number="100042") == (202, {})
    assert await portal.post("/link-requests", **asked) == (202, {})
    # The same one again waits once.
    assert await portal.post("/link-requests", **asked) == (202, {})
    status, page = await portal.get("/link-requests?limit=1", agent)
    assert (status, len(page["items"]), page["items"][0]["dossier_number"]) == (200, 1, "100042")
    _, rest = await portal.get(f"/link-requests?cursor={page['next_cursor']}", agent)
    assert ([item["dossier_number"] for item in rest["items"]], rest["next_cursor"]) == ([None], None)
    assert (await portal.get("/link-requests", family))[0] == 403


async def test_only_so_many_link_requests_wait(portal: Portal) -> None:
    portal.settings.link_requests_waiting = 3
    asked = {"last_name": "Moreau", "first_name": "Claire", "dossier_number": "100042"}
    answers = await asyncio.gather(
        *(portal.post("/link-requests", f"192.0.2.{n}", **asked, email=f"claire{n}@example.org") for n in range(8))
    )
    assert sorted(status for status, _ in answers) == [202] * 3 + [429] * 5
    assert await portal.scalars("SELECT count(*) FROM link_requests") == [3]
