"""A lost password: who gets a link, what it does, how late and how often, and that strangers learn nothing."""

import asyncio
from time import perf_counter

import pytest
from identity import passwords
from identity.own_account.api import RESET_TAKES_S
from identity.worker import forget_what_is_over

from services.identity.tests.portal import AGENT, MARTIN, PASSWORD, Portal, body, moreau, pointers

STRANGER, FAMILY = "203.0.113.7", "198.51.100.20"
GONE = (410, "urn:problem:identity:reset-gone")


@pytest.fixture
async def email(portal: Portal) -> str:
    """The Martins'."""
    (found,) = await portal.scalars("SELECT email FROM accounts WHERE username = 'martin'")
    return str(found)


async def asked(portal: Portal, email: str) -> str:
    """The secret of the link that was mailed."""
    assert await portal.post("/password-resets", email=email) == (202, {})
    return await portal.link("mot-de-passe")


async def use(portal: Portal, secret: str, password: str = PASSWORD) -> tuple[int, str]:
    status, problem = await portal.put(f"/password-resets/{secret}", new_password=password)
    return status, problem.get("type", "")


async def test_a_link_takes_a_new_password_ends_every_session_and_is_told_by_mail(portal: Portal, email: str) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    _, other = await portal.sign_in("diallo", MARTIN["password"])
    secret = await asked(portal, email.upper())
    (mail,) = await portal.mails()
    assert mail["To"] == email
    async with portal.client.get(f"/v1/password-resets/{secret}") as answer:
        shown = await answer.json()
    assert (answer.status, shown["username"]) == (200, "martin")
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 200  # nothing has happened yet
    _, tokens = await portal.sign_in(**MARTIN)

    assert await use(portal, secret) == (204, "")
    assert (await portal.sign_in(**MARTIN))[0] == 401
    assert (await portal.sign_in("martin", PASSWORD))[0] == 201
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 401
    assert (await portal.get("/me", tokens["access_token"]))[0] == 401
    assert (await portal.refresh(other["refresh_token"]))[0] == 200
    told = (await portal.mails())[-1]
    assert (told["To"], told["Subject"]) == (email, "Votre mot de passe a été changé")


async def test_a_link_serves_once_and_ends_the_others(portal: Portal, email: str) -> None:
    older, newer = await asked(portal, email), await asked(portal, email)
    assert await use(portal, older) == (204, "")
    for secret in (older, newer, "unknown"):
        assert await use(portal, secret, "Autre!2026") == GONE
        async with portal.client.get(f"/v1/password-resets/{secret}") as answer:
            assert (answer.status, (await answer.json(content_type=None))["type"]) == GONE
    assert (await portal.sign_in("martin", PASSWORD))[0] == 201


@pytest.mark.parametrize("links", [1, 2])
async def test_of_many_at_once_one_is_used(portal: Portal, email: str, links: int) -> None:
    """By the same link, or by two."""
    secrets = [await asked(portal, email) for _ in range(links)]
    chosen = {f"Papillon!{n}4": secrets[n % links] for n in range(6)}
    answers = await asyncio.gather(*(use(portal, secret, password) for password, secret in chosen.items()))
    assert sorted(answers) == [(204, ""), *[GONE] * 5]
    winner = list(chosen)[answers.index((204, ""))]
    signed_in = [(await portal.sign_in("martin", password))[0] for password in chosen]
    assert signed_in == [201 if password == winner else 401 for password in chosen]
    assert len(await portal.mails()) == links + 1


async def test_a_link_is_over_after_an_hour(portal: Portal, email: str) -> None:
    secret = await asked(portal, email)
    portal.later(minutes=59)
    assert (await use(portal, secret, "court"))[0] == 422  # it is known
    portal.later(hours=1, seconds=1)
    assert await use(portal, secret) == GONE
    assert await portal.scalars("SELECT count(*) FROM reset_links") == [1]
    await forget_what_is_over(portal.database, portal.settings)
    assert await portal.scalars("SELECT count(*) FROM reset_links") == [0]
    assert (await portal.sign_in(**MARTIN))[0] == 201


async def test_a_new_password_keeps_the_towns_rule_and_a_refused_one_leaves_the_link(
    portal: Portal, email: str
) -> None:
    secret = await asked(portal, email)
    for weak in ("Ab!", "Xx!Martin"):
        status, problem = await portal.put(f"/password-resets/{secret}", new_password=weak)
        assert (status, pointers(problem)) == (422, ["/new_password"])
    assert await use(portal, secret) == (204, "")


async def test_strangers_learn_nothing_of_who_has_an_account(portal: Portal, email: str) -> None:
    answers = []
    for address in (email, "nobody@example.org", "claire.moreau@example.org", "not an email"):
        started = perf_counter()
        answers.append(await portal.post("/password-resets", STRANGER, email=address))
        assert perf_counter() - started >= RESET_TAKES_S
    assert answers == [(202, {})] * 4
    assert [mail["To"] for mail in await portal.mails()] == [email]


async def test_only_so_many_links_are_mailed_to_one_email_and_asked_for_from_one_address(
    portal: Portal, email: str
) -> None:
    for number in range(portal.settings.reset_limit + 2):
        assert (await portal.post("/password-resets", f"192.0.2.{number}", email=email))[0] == 202
    assert len(await portal.mails()) == portal.settings.reset_limit
    assert await use(portal, await portal.link("mot-de-passe")) == (204, "")  # any of them lets the family in
    portal.later(hours=1, seconds=1)
    assert await asked(portal, email)

    portal.settings.reset_address_limit = 2
    for known in (email, "nobody@example.org"):
        answers = [await portal.post("/password-resets", STRANGER, email=known) for _ in range(3)]
        assert answers[-1][0] == 429
    assert (await portal.post("/password-resets", FAMILY, email=email))[0] == 202


async def test_a_couple_that_shares_an_email_gets_a_link_each(portal: Portal) -> None:
    claire = moreau().adults[0]
    paul = claire.model_copy(update={"adult_id": moreau().dossier_id, "first_name": "Paul"})
    await portal.hear(moreau(2, adults=(claire, paul)))
    for username, first_name in (("pmoreau", "Paul"), ("cmoreau", "Claire")):
        _, given = await portal.claim(first_name=first_name)
        await portal.register(given["dossier_claim"], first_name=first_name, username=username)
        await portal.activate(await portal.link())
    before = len(await portal.mails())
    await portal.post("/password-resets", email="claire.moreau@example.org")
    texts = [body(mail, "plain") for mail in (await portal.mails())[before:]]
    assert sorted(text.splitlines()[0] for text in texts) == ["Bonjour Claire Moreau,", "Bonjour Paul Moreau,"]
    assert not any(username in text for text in texts for username in ("pmoreau", "cmoreau"))
    assert await use(portal, await portal.link("mot-de-passe"), "Autre!2026") == (204, "")
    assert sorted([(await portal.sign_in(name))[0] for name in ("pmoreau", "cmoreau")]) == [201, 401]


async def test_who_has_not_followed_the_first_link_gets_it_again(portal: Portal) -> None:
    await portal.register()
    await portal.mails()
    assert (await portal.post("/password-resets", email="claire.moreau@example.org"))[0] == 202
    assert len(await portal.mails()) == 2
    assert (await portal.activate(await portal.link(), new_password="Autre!2026"))[0] == 204
    assert (await portal.sign_in("cmoreau", "Autre!2026"))[0] == 201


async def test_staff_keep_their_second_factor_and_site_staff_have_no_password_to_lose(portal: Portal) -> None:
    emails = "SELECT email FROM accounts WHERE username IN ('agent', 'animateur') ORDER BY username"
    agent, animateur = await portal.scalars(emails)
    await portal.post("/password-resets", email=animateur)
    assert await portal.mails() == []
    assert await use(portal, await asked(portal, agent)) == (204, "")
    status, problem = await portal.sign_in(AGENT["login"], PASSWORD)
    assert (status, problem["type"]) == (401, "urn:problem:identity:second-factor-required")
    assert (await portal.sign_in_staff("agent", PASSWORD))[0] == 201


async def test_wrong_tries_of_before_keep_nobody_from_signing_in_with_the_new_password(
    portal: Portal, email: str
) -> None:
    for _ in range(portal.settings.sign_in_limit):
        assert (await portal.sign_in("martin", "wrong", FAMILY))[0] == 401
    assert (await portal.sign_in("martin", "wrong", FAMILY))[0] == 429
    secret = await asked(portal, email)
    assert (await portal.put(f"/password-resets/{secret}", FAMILY, new_password=PASSWORD))[0] == 204
    assert (await portal.sign_in("martin", PASSWORD, FAMILY))[0] == 201


async def test_no_session_begins_by_the_old_password_once_it_is_replaced(
    portal: Portal, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one was proved just before; the session would have begun just after."""
    secret, proved, replaced = await asked(portal, email), asyncio.Event(), asyncio.Event()
    really = passwords.matches

    async def meanwhile(password: str, password_hash: str | None) -> bool:
        right = await really(password, password_hash)
        proved.set()
        await replaced.wait()
        return right

    monkeypatch.setattr(passwords, "matches", meanwhile)
    signing_in = asyncio.create_task(portal.sign_in(**MARTIN))
    await proved.wait()
    assert await use(portal, secret) == (204, "")
    replaced.set()
    status, problem = await signing_in
    assert (status, problem["type"]) == (401, "urn:problem:identity:sign-in-refused")
    assert await portal.scalars("SELECT count(*) FROM sessions") == [0]
    monkeypatch.undo()
    assert (await portal.sign_in("martin", PASSWORD))[0] == 201


@pytest.mark.parametrize("token", ["%00", "a%2Fb", "é", "A" * 200])
async def test_nonsense_as_a_link_is_gone_too(portal: Portal, token: str) -> None:
    assert (await use(portal, token))[0] in (404, 410)
    assert (await use(portal, "A" * 201))[0] == 422
    assert (await portal.post("/password-resets", email="a\x00b"))[0] == 422
