"""Accounts follow their guardian: what an account may, once its dossier no longer has them, and once one does again."""

import asyncio
from typing import Any

import pytest
from chassis.identifiers import named_id
from contracts.dossier import Adult
from contracts.identity import AccountActivated, AccountClosed
from identity.registrations.credentials import SUSPENDED_KEPT
from identity.worker import forget_what_is_over

from services.identity.tests.portal import PASSWORD, Portal, moreau, session_of
from tests.builders import changed, published

CLAIRE, PAUL = (
    Adult(adult_id=named_id("adult", "100042", number), first_name=name, last_name="Moreau", roles=roles, email=email)
    for number, name, roles, email in (
        ("1", "Claire", ("legal_guardian", "payer"), "claire.moreau@example.org"),
        ("2", "Paul", ("legal_guardian",), "paul.moreau@example.org"),
    )
)
ENDED = (401, "urn:problem:identity:access-ended")
OTHER_DOSSIER = named_id("dossier", "200042")


async def is_guardian(portal: Portal) -> dict[str, Any]:
    """Claire has her account, and is signed in: her tokens."""
    await portal.register()
    assert (await portal.activate(await portal.link()))[0] == 204
    status, tokens = await portal.sign_in()
    assert status == 201
    return tokens


async def activated(portal: Portal) -> list[AccountActivated]:
    return [one for one in await published(portal.database, AccountActivated) if one.guardian_id == CLAIRE.adult_id]


async def sign_in(portal: Portal, **how: str) -> tuple[int, str | None]:
    status, answer = await portal.sign_in(**how)
    return status, answer.get("type")


@pytest.mark.parametrize("roles", [None, ("contact", "payer")])
async def test_who_is_no_guardian_any_more_loses_sessions_and_access(
    portal: Portal, roles: tuple[str, ...] | None
) -> None:
    tokens = await is_guardian(portal)
    assert (await portal.post("/password-resets", email=CLAIRE.email))[0] == 202
    link = await portal.link("mot-de-passe")
    left = [PAUL, *([changed(CLAIRE, roles=roles)] if roles else [])]
    for version in (2, 2, 3):
        await portal.hear(moreau(version, adults=left))
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 401
    assert await portal.revoked() == [session_of(tokens)]
    assert await sign_in(portal) == ENDED
    # Only who knows the password is told.
    assert await sign_in(portal, password="Autre!2026") == (401, "urn:problem:identity:sign-in-refused")
    assert (await portal.put(f"/password-resets/{link}", new_password=PASSWORD))[0] == 410
    (account,) = await activated(portal)
    (ended,) = await published(portal.database, AccountClosed)
    assert (ended.account_id, ended.version) == (account.account_id, account.version + 1)
    subjects = [mail["Subject"] for mail in await portal.mails() if mail["To"] == CLAIRE.email]
    assert subjects.count("Votre compte ne donne plus accès au dossier") == 1


async def test_the_other_guardian_stays_signed_in(portal: Portal) -> None:
    tokens = await is_guardian(portal)
    await portal.hear(moreau(2, adults=(CLAIRE, PAUL)))
    await portal.hear(moreau(3, adults=(CLAIRE,)))
    status, tokens = await portal.refresh(tokens["refresh_token"])
    assert (status, await sign_in(portal)) == (200, (201, None))
    assert (await portal.get("/me", tokens["access_token"]))[0] == 200
    assert not await published(portal.database, AccountClosed)
    assert await portal.revoked() == []


async def test_who_is_a_guardian_again_has_the_account_as_it_was(portal: Portal) -> None:
    await is_guardian(portal)
    await portal.hear(moreau(2, adults=(PAUL,)))
    await portal.hear(moreau(3, adults=(CLAIRE, PAUL)))
    assert await sign_in(portal) == (201, None)
    first, again = await activated(portal)
    assert (again.account_id, again.version) == (first.account_id, first.version + 2)
    await portal.hear(moreau(2, adults=(PAUL,)))  # late, and void
    assert await sign_in(portal) == (201, None)


@pytest.mark.parametrize("first", ["left", "entered"])
async def test_an_account_moves_with_its_guardian_whichever_dossier_is_heard_of_first(
    portal: Portal, first: str
) -> None:
    tokens = await is_guardian(portal)
    left = moreau(2, adults=(PAUL,))
    entered = moreau(1, dossier_id=OTHER_DOSSIER, number="200042", adults=(CLAIRE,))
    for event in (left, entered) if first == "left" else (entered, left):
        await portal.hear(event)
    assert await portal.revoked() == [session_of(tokens)]  # its tokens speak for the dossier that was left
    assert await sign_in(portal) == (201, None)
    assert await portal.scalars("SELECT dossier_id FROM accounts WHERE username = 'cmoreau'") == [OTHER_DOSSIER]
    assert (await activated(portal))[-1].dossier_id == OTHER_DOSSIER
    # An archived dossier has no guardians.
    await portal.hear(moreau(2, dossier_id=OTHER_DOSSIER, number="200042", adults=(CLAIRE,), status="archived"))
    assert await sign_in(portal) == ENDED


async def test_a_registration_of_who_is_no_guardian_any_more_is_erased(portal: Portal) -> None:
    await portal.register()
    link = await portal.link()
    await portal.hear(moreau(2, adults=(PAUL,)))
    assert (await portal.activate(link))[0] == 410
    assert await portal.scalars("SELECT status FROM accounts WHERE username = 'cmoreau'") == []


async def test_who_registers_while_they_are_removed_gets_nowhere(portal: Portal) -> None:
    """Whichever is first: none is left between the two."""
    claim = (await portal.claim())[1]["dossier_claim"]
    registered, _ = await asyncio.gather(portal.register(claim), portal.hear(moreau(2, adults=(PAUL,))))
    assert registered[0] in (202, 410)
    assert await portal.scalars("SELECT status FROM accounts WHERE username = 'cmoreau'") == []


async def test_a_suspended_account_is_erased_in_the_end(portal: Portal) -> None:
    await is_guardian(portal)
    await portal.hear(moreau(2, adults=(PAUL,)))
    for days, kept in ((SUSPENDED_KEPT.days - 1, 1), (SUSPENDED_KEPT.days + 1, 0)):
        portal.later(days=days)
        await forget_what_is_over(portal.database, None)
        assert len(await portal.scalars("SELECT id FROM accounts WHERE username = 'cmoreau'")) == kept


async def test_who_has_made_another_account_meanwhile_keeps_that_one(portal: Portal) -> None:
    await is_guardian(portal)
    await portal.execute("UPDATE accounts SET status = 'suspended', suspended_at = now() WHERE username = 'cmoreau'")
    await portal.register(username="claire2")
    assert (await portal.activate(await portal.link()))[0] == 204
    await portal.hear(moreau(2, adults=(CLAIRE,)))
    assert await sign_in(portal, login="claire2") == (201, None)
    assert await sign_in(portal) == ENDED
