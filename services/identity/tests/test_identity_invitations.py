"""Invitation letters: a code that proves a guardian's dossier once, without any email."""

import asyncio
import re
from typing import Any

import pytest
from chassis.identifiers import named_id, new_id
from identity.registrations.rules import code_as_printed, code_key

from services.identity.tests.portal import PASSWORD, Portal, moreau, pointers

MOREAU = named_id("dossier", "100042")
CLAIRE = named_id("adult", "100042", "1")
HERS = {"email": "claire@nouvelle.example.org"}
PATH = f"/dossiers/{MOREAU}/invitation"


@pytest.fixture
async def agent(portal: Portal) -> str:
    return str((await portal.sign_in_staff())[1]["access_token"])


async def invited(portal: Portal, agent: str, **body: Any) -> str:
    """The code on the newest letter."""
    status, answer = await portal.send("POST", PATH, bearer=agent, **body)
    assert status == 201, answer
    (letter, *_) = await portal.scalars(
        "SELECT paragraphs::text FROM notices WHERE status = 'to_print' ORDER BY id DESC"
    )
    found = re.search(r"ce code : ([A-Z2-9-]{14})", letter)
    assert found is not None
    assert found[1] not in str(answer), "on the letter alone"
    return found[1]


async def test_a_code_lets_a_guardian_in_with_an_email_that_nobody_knew(portal: Portal, agent: str) -> None:
    code = await invited(portal, agent)
    status, given = await portal.post("/claims/by-code", code=f" {code.lower()} ")
    assert status == 201
    assert (await portal.register(given["dossier_claim"], **HERS))[0] == 202
    to = [(mail["To"], mail["Subject"]) for mail in await portal.mails()]
    assert ("claire.moreau@example.org", "Un compte est demandé pour votre dossier") in to
    assert portal.mailbox.mails[-1]["To"] == HERS["email"]
    assert (await portal.activate(await portal.link()))[0] == 204
    assert (await portal.sign_in(HERS["email"], PASSWORD))[0] == 201
    assert await portal.scalars("SELECT guardian_id FROM accounts WHERE username = 'cmoreau'") == [CLAIRE]


async def test_a_code_serves_once(portal: Portal, agent: str) -> None:
    code = await invited(portal, agent, guardian_id=str(CLAIRE))
    first, second = [(await portal.post("/claims/by-code", code=code))[1] for _ in range(2)]
    assert (await portal.register(first["dossier_claim"], **HERS))[0] == 202
    assert (await portal.register(second["dossier_claim"], username="other", **HERS))[0] == 410
    assert (await portal.post("/claims/by-code", code=code))[0] == 404


async def test_a_code_is_over_after_sixty_days_and_not_before(portal: Portal, agent: str) -> None:
    code = await invited(portal, agent)
    portal.later(days=59, hours=23)
    assert (await portal.post("/claims/by-code", code=code))[0] == 201
    portal.later(days=60, hours=1)
    assert (await portal.post("/claims/by-code", code=code))[0] == 404


async def test_a_newer_invitation_ends_the_older_one_and_its_letter(portal: Portal, agent: str) -> None:
    old = await invited(portal, agent)
    code = await invited(portal, agent)
    assert await portal.scalars("SELECT count(*) FROM notices WHERE status = 'to_print'") == [1]
    assert (await portal.post("/claims/by-code", code=old))[0] == 404
    assert (await portal.post("/claims/by-code", code=code))[0] == 201


async def test_of_invitations_at_the_same_moment_one_code_and_one_letter_are_left(portal: Portal, agent: str) -> None:
    both = await asyncio.gather(*(portal.send("POST", PATH, bearer=agent) for _ in range(2)))
    assert [status for status, _ in both] == [201, 201]
    kept = "SELECT (SELECT count(*) FROM claims) || ' ' || (SELECT count(*) FROM notices WHERE status = 'to_print')"
    assert await portal.scalars(kept) == ["1 1"]


async def test_wrong_codes_are_all_alike_and_slowed_like_claims(portal: Portal, agent: str) -> None:
    code = await invited(portal, agent)
    portal.settings.claim_limit = 3
    wrong = [await portal.post("/claims/by-code", code=one) for one in ("ABCD-EFGH-JKMN", "x", "100042")]
    assert [status for status, _ in wrong] == [404] * 3
    assert len({problem["detail"] for _, problem in wrong}) == 1
    assert (await portal.post("/claims/by-code", code=code))[0] == 429
    assert (await portal.claim())[0] == 429, "one count for both"
    portal.later(minutes=11)
    assert (await portal.post("/claims/by-code", code=code))[0] == 201


async def test_each_guardian_without_account_is_invited_by_a_letter_of_their_own(portal: Portal, agent: str) -> None:
    claire = moreau().adults[0]
    luc = claire.model_copy(update={"adult_id": named_id("adult", "100042", "2"), "first_name": "Luc", "email": None})
    await portal.hear(moreau(2, adults=(claire, luc)))
    await portal.register()
    await portal.activate(await portal.link())
    status, answer = await portal.send("POST", PATH, bearer=agent)
    assert (status, [one["first_name"] for one in answer["items"]]) == (201, ["Luc"])
    waiting = (await portal.get("/letters/waiting", agent))[1]["items"]
    assert [one["recipient"] for one in waiting] == ["Luc Moreau"]
    assert (await portal.send("POST", PATH, bearer=agent, guardian_id=str(CLAIRE)))[0] == 409
    status, problem = await portal.send("POST", PATH, bearer=agent, guardian_id=str(new_id()))
    assert (status, pointers(problem)) == (422, ["/guardian_id"])
    assert (await portal.send("POST", f"/dossiers/{new_id()}/invitation", bearer=agent))[0] == 404


def test_a_code_is_read_however_it_was_typed() -> None:
    assert code_as_printed("ABCDEFGHJKMN") == "ABCD-EFGH-JKMN"
    assert {code_key(typed) for typed in ("ABCD-EFGH-JKMN", " abcd efgh jkmn", "abcd_efgh.jkmn")} == {"ABCDEFGHJKMN"}
