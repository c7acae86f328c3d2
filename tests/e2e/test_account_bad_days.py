"""What goes wrong on the way to an account, through the gateway."""

import pytest

from deploy.local.portal import Portal, RefusedError
from tests.actors import PASSWORD, Clock, Guardian


async def test_a_wrong_number_name_or_email_gets_one_and_the_same_answer(portal: Portal, guardian: Guardian) -> None:
    right = (guardian.number, guardian.last_name, guardian.email)
    answers = []
    for wrong in (("999999", *right[1:]), (right[0], "Inconnu", right[2]), (*right[:2], "autre@example.org")):
        with pytest.raises(RefusedError) as refused:
            await portal.claim(*wrong)
        answers.append((refused.value.status, refused.value.problem))
    assert answers[0][0] == 404
    assert answers == [answers[0]] * 3
    assert await portal.claim(*right)


async def test_a_registration_carries_the_email_of_its_claim(portal: Portal, guardian: Guardian) -> None:
    claim = await portal.claim(guardian.number, guardian.last_name, guardian.email)
    other = guardian.names() | {"email": "autre@example.org"}
    with pytest.raises(RefusedError) as refused:
        await portal.register(claim, guardian.username, PASSWORD, **other)
    assert refused.value.status == 422
    assert refused.value.problem["errors"][0]["pointer"] == "/email"


async def test_a_weak_password_is_refused_with_the_rule_it_breaks(portal: Portal, guardian: Guardian) -> None:
    claim = await portal.claim(guardian.number, guardian.last_name, guardian.email)
    for password, rule in (("A!bcd", "6 caractères"), ("bienvenue!", "majuscule"), ("Bienvenue2026", "spécial")):
        with pytest.raises(RefusedError) as refused:
            await portal.register(claim, guardian.username, password, **guardian.names())
        assert refused.value.status == 422
        error = refused.value.problem["errors"][0]
        assert error["pointer"] == "/password"
        assert rule in error["detail"]
    await portal.register(claim, guardian.username, PASSWORD, **guardian.names())


async def registered(portal: Portal, guardian: Guardian, before: str | None = None) -> str:
    """Register that guardian; the secret of the link, another than the one `before`."""
    claim = await portal.claim(guardian.number, guardian.last_name, guardian.email)
    await portal.register(claim, guardian.username, PASSWORD, **guardian.names())
    return await portal.activation_token(guardian.email, other_than=before)


async def refuses(portal: Portal, token: str) -> bool:
    with pytest.raises(RefusedError) as refused:
        await portal.activate(token, PASSWORD)
    return refused.value.status == 410


async def test_nobody_signs_in_before_the_link_and_the_link_works_once(portal: Portal, guardian: Guardian) -> None:
    token = await registered(portal, guardian)
    with pytest.raises(RefusedError) as refused:
        await portal.sign_in(guardian.username, PASSWORD)
    assert refused.value.status == 401
    await portal.activate(token, PASSWORD)
    await portal.sign_in(guardian.username, PASSWORD)
    assert await refuses(portal, token)


async def test_a_link_sent_again_leaves_the_older_good_until_one_is_used(portal: Portal, guardian: Guardian) -> None:
    older = await registered(portal, guardian)
    await portal.post("/identity/v1/registrations/resend", {"email": guardian.email})
    newer = await portal.activation_token(guardian.email, other_than=older)
    await portal.activate(older, PASSWORD)
    assert await refuses(portal, newer)


async def test_nobody_takes_an_account_before_its_owner(portal: Portal, guardian: Guardian) -> None:
    """A stranger who holds the invoice registers first, in words of their own; the guardian follows the mail."""
    claim = await portal.claim(guardian.number, guardian.last_name, guardian.email)
    typed = guardian.names() | {"first_name": "Rappelez le zéro huit cent"}
    await portal.register(claim, "appelez-le-0899", "Intrus!2026", **typed)
    token = await portal.activation_token(guardian.email)
    (mail,) = await portal.mails(guardian.email)
    assert f"Bonjour {guardian.first_name} {guardian.last_name}," in mail["text"]
    for word in ("Rappelez", "0899"):
        assert word not in mail["text"] + mail["html"] + mail["subject"]
    with pytest.raises(RefusedError) as refused:
        await portal.activate(token, PASSWORD)
    assert (refused.value.status, refused.value.type) == (401, "urn:problem:identity:wrong-password")
    chosen = {"token": token, "new_password": PASSWORD, "username": guardian.username}
    await portal.post("/identity/v1/activations", chosen)
    for login in (guardian.email, "appelez-le-0899", guardian.username):
        with pytest.raises(RefusedError) as refused:
            await portal.sign_in(login, "Intrus!2026")
        assert refused.value.status == 401
    await portal.sign_in(guardian.username, PASSWORD)
    me = await portal.get("/identity/v1/me")
    assert (me["first_name"], me["dossier_id"]) == (guardian.first_name, guardian.dossier_id)


async def test_site_staff_sign_in_on_their_tablet_and_nowhere_else(portal: Portal) -> None:
    asked = {"login": "animateur", "pin": "2026"}
    with pytest.raises(RefusedError) as refused:
        await portal.post("/identity/v1/sessions", asked | {"device_token": "une-autre-tablette"})
    assert refused.value.status == 401
    assert await portal.post("/identity/v1/sessions", asked | {"device_token": "tablette-demo-2026"})


async def test_a_link_is_dead_after_72_hours_and_the_username_free_again(
    portal: Portal, guardian: Guardian, moving_clock: Clock
) -> None:
    token = await registered(portal, guardian)
    moving_clock.advance(hours=72, seconds=1)
    assert await refuses(portal, token)
    token = await registered(portal, guardian, before=token)
    await portal.activate(token, PASSWORD)
    await portal.sign_in(guardian.username, PASSWORD)
