"""The mailed link: who follows it, with which password, how late and how often."""

import asyncio

import pytest
from contracts.identity import AccountActivated
from identity.worker import forget_what_is_over

from services.identity.tests.portal import PASSWORD, Portal, pointers


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
