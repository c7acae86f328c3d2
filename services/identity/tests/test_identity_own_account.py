"""One's own account: another password, another email, the sessions one has; with a proof, and nobody else's."""

import asyncio
from typing import Any

import pytest
from chassis.identifiers import named_id, new_id
from contracts.identity import AccountActivated, AccountClosed
from identity import passwords
from identity.worker import forget_what_is_over

from services.identity.tests.portal import MARTIN, PASSWORD, Portal, body, pointers, session_of

OLD, NEW = "sophie.martin@example.org", "sophie@new.example.org"
GONE = (410, "urn:problem:identity:email-link-gone")
WRONG = (422, ["/password"])


async def signed_in(portal: Portal, password: str = MARTIN["password"]) -> dict[str, Any]:
    status, tokens = await portal.sign_in("martin", password)
    assert status == 201
    return tokens


async def put(portal: Portal, tokens: dict[str, Any], what: str, **body: str) -> tuple[int, list[str]]:
    """Status, and the fields that are refused."""
    status, answer = await portal.send("PUT", f"/me/{what}", bearer=tokens["access_token"], **body)
    return status, pointers(answer) if status == 422 else []


async def change_password(
    portal: Portal, tokens: dict[str, Any], new_password: str = PASSWORD, password: str = MARTIN["password"]
) -> tuple[int, list[str]]:
    return await put(portal, tokens, "password", password=password, new_password=new_password)


async def asked(portal: Portal, tokens: dict[str, Any], email: str = NEW, password: str = MARTIN["password"]) -> str:
    """The secret of the link that was mailed."""
    assert await put(portal, tokens, "email", email=email, password=password) == (202, [])
    return await portal.link("courriel")


async def confirm(portal: Portal, secret: str) -> tuple[int, str]:
    status, problem = await portal.post("/email-confirmations", token=secret)
    return status, problem.get("type", "")


# ---------------------------------------------------------------------- another password


async def test_a_new_password_ends_the_other_sessions_and_is_told_by_mail(portal: Portal) -> None:
    other, own = await signed_in(portal), await signed_in(portal)
    assert await change_password(portal, own) == (204, [])
    assert (await portal.refresh(other["refresh_token"]))[0] == 401
    assert (await portal.refresh(own["refresh_token"]))[0] == 200
    assert (await portal.sign_in(**MARTIN))[0] == 401
    assert (await portal.sign_in("martin", PASSWORD))[0] == 201
    (mail,) = await portal.mails()
    assert (mail["To"], mail["Subject"]) == (OLD, "Votre mot de passe a été changé")


async def test_it_takes_the_present_one_and_keeps_the_towns_rule(portal: Portal) -> None:
    own = await signed_in(portal)
    assert await change_password(portal, own, password="Autre!2026") == WRONG
    assert await change_password(portal, own, "Ab!") == (422, ["/new_password"])
    assert await change_password(portal, own, "Xx!Martin") == (422, ["/new_password"])
    assert await change_password(portal, own) == (204, [])


async def test_a_stolen_session_guesses_the_password_no_faster_than_a_stranger(portal: Portal) -> None:
    own = await signed_in(portal)
    for _ in range(portal.settings.sign_in_limit):
        assert await change_password(portal, own, password="Autre!2026") == WRONG
    assert (await change_password(portal, own))[0] == 429
    # Who knows it signs in as before.
    assert (await portal.sign_in(**MARTIN))[0] == 201


async def test_of_two_changes_at_once_one_counts(portal: Portal) -> None:
    sessions = [await signed_in(portal) for _ in range(4)]
    chosen = [f"Papillon!{number}4" for number in range(4)]
    answers = await asyncio.gather(*map(change_password, [portal] * 4, sessions, chosen))
    statuses = [status for status, _ in answers]
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 422, 401}  # wrong by now, or ended before it was read
    works = [(await portal.sign_in("martin", password))[0] == 201 for password in chosen]
    assert works == [status == 204 for status in statuses]


async def test_a_password_replaced_by_a_link_meanwhile_is_no_proof_any_more(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await signed_in(portal)
    await portal.post("/password-resets", email=OLD)
    secret = await portal.link("mot-de-passe")
    hashing, replaced, really = asyncio.Event(), asyncio.Event(), passwords.hashed

    async def meanwhile(password: str) -> str:
        if password == "Intrus!2026":
            hashing.set()
            await replaced.wait()
        return await really(password)

    monkeypatch.setattr(passwords, "hashed", meanwhile)
    changing = asyncio.create_task(change_password(portal, own, "Intrus!2026"))
    await hashing.wait()
    assert (await portal.put(f"/password-resets/{secret}", new_password=PASSWORD))[0] == 204
    replaced.set()
    assert await changing == WRONG
    assert (await portal.sign_in("martin", PASSWORD))[0] == 201


# ---------------------------------------------------------------------- another username


async def rename(portal: Portal, tokens: dict[str, Any], username: str, **changes: str) -> tuple[int, list[str]]:
    asked = {"username": username, "password": MARTIN["password"]} | changes
    status, answer = await portal.send("PATCH", "/me", bearer=tokens["access_token"], **asked)
    return status, pointers(answer) if status == 422 else []


async def test_another_username_signs_in_and_is_told_by_mail(portal: Portal) -> None:
    own = await signed_in(portal)
    assert await rename(portal, own, "sophie", password="Autre!2026") == WRONG
    for wrong in ("diallo", "DIALLO", "bienvenue", "so", "a@b.fr"):  # taken, in the password, no username
        assert await rename(portal, own, wrong) == (422, ["/username"])
    assert await portal.mails() == []
    for name in ("Martin", "Sophie.M", "Sophie.M"):
        assert await rename(portal, own, name) == (200, [])
        assert (await portal.get("/me", own["access_token"]))[1]["username"] == name
    assert (await portal.sign_in(**MARTIN))[0] == 401
    assert (await portal.sign_in("sophie.m", MARTIN["password"]))[0] == 201
    assert [mail["Subject"] for mail in await portal.mails()] == ["Votre nom d'utilisateur a été changé"] * 2


async def test_accents_are_the_same_however_a_keyboard_sends_them(portal: Portal) -> None:
    own = await signed_in(portal)
    apart, together = "andre\u0301e", "andr\u00e9e"
    assert await rename(portal, own, apart) == (200, [])
    assert await change_password(portal, own, "Chale\u0301t!24") == (204, [])
    for login in (apart, together):
        for password in ("Chale\u0301t!24", "Chal\u00e9t!24"):
            assert (await portal.sign_in(login, password))[0] == 201
    assert (await portal.sign_in(apart, "Chalet!24"))[0] == 401


async def test_of_many_who_want_a_username_at_once_one_has_it(portal: Portal) -> None:
    status, diallo = await portal.sign_in("diallo", MARTIN["password"])
    assert status == 201
    answers = await asyncio.gather(*(rename(portal, one, "awa") for one in (await signed_in(portal), diallo)))
    assert sorted(answers) == [(200, []), (422, ["/username"])]


# ---------------------------------------------------------------------- another email


async def test_a_new_email_counts_once_confirmed_and_the_old_one_is_told(portal: Portal) -> None:
    own = await signed_in(portal)
    secret = await asked(portal, own, "Sophie@NEW.example.org")
    (mail,) = await portal.mails()
    assert mail["To"] == "Sophie@NEW.example.org"
    assert (await portal.get("/me", own["access_token"]))[1]["email"] == OLD
    before = len(await portal.published())

    assert await confirm(portal, secret) == (204, "")
    assert (await portal.get("/me", own["access_token"]))[1]["email"] == "Sophie@NEW.example.org"
    told = (await portal.mails())[-1]
    assert (told["To"], told["Subject"]) == (OLD, "L'adresse de votre compte a changé")
    assert "token=" not in body(told, "plain")
    (event,) = (await portal.published())[before:]
    assert isinstance(event, AccountActivated)
    assert (event.email, event.version) == ("Sophie@NEW.example.org", 2)
    assert (await portal.sign_in(NEW, MARTIN["password"]))[0] == 201
    assert (await portal.sign_in(OLD, MARTIN["password"]))[0] == 401
    assert (await portal.refresh(own["refresh_token"]))[0] == 200
    assert await confirm(portal, secret) == GONE


async def test_of_many_confirmations_at_once_one_counts(portal: Portal) -> None:
    secret = await asked(portal, await signed_in(portal))
    answers = await asyncio.gather(*(confirm(portal, secret) for _ in range(5)))
    assert sorted(answers) == [(204, ""), *[GONE] * 4]
    assert await portal.scalars("SELECT version FROM accounts WHERE username = 'martin'") == [2]
    assert len(await portal.mails()) == 2


async def test_the_newest_link_alone_is_good_for_72_hours(portal: Portal) -> None:
    own = await signed_in(portal)
    older, newer = await asked(portal, own, "other@example.org"), await asked(portal, own)
    assert await confirm(portal, older) == GONE
    assert await confirm(portal, "unknown") == GONE
    portal.later(hours=72, seconds=1)
    assert await confirm(portal, newer) == GONE
    await forget_what_is_over(portal.database, portal.settings)
    assert await portal.scalars("SELECT count(*) FROM email_changes") == [0]
    portal.later(hours=72)
    own = await signed_in(portal)
    newest = await asked(portal, own)
    portal.later(hours=143)
    assert await confirm(portal, newest) == (204, "")


async def test_a_new_email_takes_the_password_and_is_one(portal: Portal) -> None:
    own = await signed_in(portal)
    assert await put(portal, own, "email", email=NEW, password="Autre!2026") == WRONG
    for wrong in ("sophie", "sophie@localhost", "a\nb@example.org", ""):
        assert await put(portal, own, "email", email=wrong, password=MARTIN["password"]) == (422, ["/email"])
    assert await portal.mails() == []
    assert await asked(portal, own)


async def test_mails_to_new_addresses_are_counted(portal: Portal) -> None:
    own = await signed_in(portal)
    statuses = [
        (await put(portal, own, "email", email=f"victim{number}@example.org", password=MARTIN["password"]))[0]
        for number in range(portal.settings.reset_limit + 1)
    ]
    assert statuses == [202] * portal.settings.reset_limit + [429]


@pytest.mark.parametrize("how", ["password", "link"])
async def test_a_replaced_password_ends_the_change_of_email_that_an_intruder_asked_for(
    portal: Portal, how: str
) -> None:
    secret = await asked(portal, await signed_in(portal), "intruder@example.org")
    if how == "password":
        await change_password(portal, await signed_in(portal))
    else:
        await portal.post("/password-resets", email=OLD)
        await portal.put(f"/password-resets/{await portal.link('mot-de-passe')}", new_password=PASSWORD)
    assert await confirm(portal, secret) == GONE


async def test_a_confirmed_email_ends_the_links_that_were_mailed_to_the_former_one(portal: Portal) -> None:
    own = await signed_in(portal)
    await portal.post("/password-resets", email=OLD)
    reset = await portal.link("mot-de-passe")
    assert await confirm(portal, await asked(portal, own)) == (204, "")
    assert (await portal.put(f"/password-resets/{reset}", new_password=PASSWORD))[0] == 410


# ---------------------------------------------------------------------- one's sessions


async def test_sessions_are_listed_and_ended_one_by_one(portal: Portal) -> None:
    first, own = await signed_in(portal), await signed_in(portal)
    portal.later(minutes=5)
    assert (await portal.refresh(first["refresh_token"]))[0] == 200
    await portal.sign_in("diallo", MARTIN["password"])
    _, listed = await portal.get("/sessions", own["access_token"])
    assert [one["current"] for one in listed["items"]] == [False, True]  # the one used last first
    assert listed["items"][0]["used_at"] > listed["items"][0]["created_at"]

    ended = f"/sessions/{listed['items'][0]['id']}"
    assert await portal.delete(ended, own["access_token"]) == 204
    assert await portal.delete(ended, own["access_token"]) == 404
    assert (await portal.get("/me", first["access_token"]))[0] == 401
    _, listed = await portal.get("/sessions", own["access_token"])
    assert [one["current"] for one in listed["items"]] == [True]


async def test_nobody_sees_or_ends_anothers_session(portal: Portal) -> None:
    own = await signed_in(portal)
    _, other = await portal.sign_in("diallo", MARTIN["password"])
    _, listed = await portal.get("/sessions", other["access_token"])
    (theirs,) = listed["items"]
    for session_id in (theirs["id"], str(new_id())):
        assert await portal.delete(f"/sessions/{session_id}", own["access_token"]) == 404
    assert (await portal.get("/me", other["access_token"]))[0] == 200


async def test_a_session_that_has_ended_changes_nothing_even_with_the_password(portal: Portal) -> None:
    own = await signed_in(portal)
    assert await portal.delete("/sessions/current", own["access_token"]) == 204
    assert (await change_password(portal, own))[0] == 401
    assert (await put(portal, own, "email", email=NEW, password=MARTIN["password"]))[0] == 401
    assert (await portal.get("/sessions", own["access_token"]))[0] == 401
    assert await portal.delete(f"/sessions/{new_id()}", own["access_token"]) == 401
    assert await change_password(portal, await signed_in(portal)) == (204, [])


async def test_staff_change_theirs_too_and_site_staff_have_none(portal: Portal) -> None:
    agent, tablet = (await portal.sign_in_staff())[1], (await portal.sign_in_on_tablet())[1]
    before = len(await portal.published())
    assert await change_password(portal, agent, password="Guichet!2026") == (204, [])
    secret = await asked(portal, agent, password=PASSWORD)
    assert await confirm(portal, secret) == (204, "")
    assert len(await portal.published()) == before  # an agent is of no dossier
    (email,) = await portal.scalars(f"SELECT email FROM accounts WHERE id = '{named_id('account', 'agent')}'")
    assert email == NEW
    assert (await change_password(portal, tablet))[0] == 403
    assert len((await portal.get("/sessions", tablet["access_token"]))[1]["items"]) == 1


# ---------------------------------------------------------------------- closing it


async def close(portal: Portal, tokens: dict[str, Any], password: str = MARTIN["password"]) -> tuple[int, list[str]]:
    status, answer = await portal.send("DELETE", "/me", bearer=tokens["access_token"], password=password)
    return status, pointers(answer) if status == 422 else []


#: Where anything of an account could be left.
LEFT = """
    SELECT (SELECT count(*) FROM accounts WHERE username = 'martin') || ' ' || (SELECT count(*) FROM sessions) || ' '
        || (SELECT count(*) FROM reset_links) || ' ' || (SELECT count(*) FROM email_changes) || ' '
        || (SELECT count(*) FROM known_addresses) || ' ' || (SELECT count(*) FROM notices WHERE account_id IS NOT NULL)
"""


async def test_a_closed_account_is_erased_and_told(portal: Portal) -> None:
    other, own = await signed_in(portal), await signed_in(portal)
    await portal.post("/password-resets", email=OLD)
    reset = await portal.link("mot-de-passe")
    await asked(portal, own)
    accepted = await portal.scalars("SELECT count(*) FROM acceptances")
    before = len(await portal.published())
    assert await close(portal, own, "Autre!2026") == WRONG
    assert await portal.scalars(LEFT) == ["1 2 1 1 1 2"]

    assert await close(portal, own) == (204, [])
    assert await portal.scalars(LEFT) == ["0 0 0 0 0 0"]
    assert await portal.scalars("SELECT count(*) FROM acceptances") == accepted
    event, *ended = (await portal.published())[before:]
    assert isinstance(event, AccountClosed)
    assert {one.subject for one in ended} == {session_of(own), session_of(other)}
    assert (event.account_id, event.version) == (named_id("account", "martin"), 2)
    assert (event.dossier_id, event.guardian_id) == (named_id("dossier", "100001"), named_id("adult", "100001", "1"))
    mail = (await portal.mails())[-1]
    assert (mail["To"], mail["Subject"]) == (OLD, "Votre compte est fermé")

    assert (await close(portal, own))[0] == 401
    assert (await portal.refresh(other["refresh_token"]))[0] == 401
    assert (await portal.sign_in(**MARTIN))[0] == 401
    assert (await portal.put(f"/password-resets/{reset}", new_password=PASSWORD))[0] == 410
    assert await portal.post("/registrations/check", username="martin") == (204, {})


async def test_a_guardian_who_closed_their_account_may_have_another_of_the_same_name(portal: Portal) -> None:
    for _ in range(2):
        await portal.register()
        await portal.activate(await portal.link())
        _, tokens = await portal.sign_in()
        assert await close(portal, tokens, PASSWORD) == (204, [])
    assert len({one.account_id for one in await portal.published() if isinstance(one, AccountClosed)}) == 2


async def test_closed_many_times_at_once_it_is_told_once(portal: Portal) -> None:
    own = await signed_in(portal)
    statuses = [status for status, _ in await asyncio.gather(*(close(portal, own) for _ in range(4)))]
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 401, 422}
    assert len([one for one in await portal.published() if isinstance(one, AccountClosed)]) == 1
    assert len(await portal.mails()) == 1


async def test_no_session_begins_in_an_account_that_is_closed_meanwhile(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, proved, closed, really = await signed_in(portal), asyncio.Event(), asyncio.Event(), passwords.matches

    async def meanwhile(password: str, password_hash: str | None) -> bool:
        right = await really(password, password_hash)
        if not proved.is_set():
            proved.set()
            await closed.wait()
        return right

    monkeypatch.setattr(passwords, "matches", meanwhile)
    signing_in = asyncio.create_task(portal.sign_in(**MARTIN))
    await proved.wait()
    assert await close(portal, own) == (204, [])
    closed.set()
    assert (await signing_in)[0] == 401
    assert await portal.scalars("SELECT count(*) FROM sessions") == [0]


async def test_staff_do_not_close_their_own(portal: Portal) -> None:
    assert (await close(portal, (await portal.sign_in_staff())[1], "Guichet!2026"))[0] == 403
