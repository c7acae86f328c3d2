"""Usernames and passwords that are chosen: the rules, and who has one first."""

import asyncio

import pytest
from chassis.identifiers import named_id
from identity.worker import forget_what_is_over

from services.identity.tests.portal import PASSWORD, Portal, moreau, pointers


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


async def test_of_two_registrations_at_once_with_one_username_one_wins(portal: Portal) -> None:
    secrets = [(await portal.claim())[1]["dossier_claim"] for _ in range(3)]
    answers = await asyncio.gather(*(portal.register(secret) for secret in secrets))
    assert sorted(status for status, _ in answers) == [202, 422, 422]


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
