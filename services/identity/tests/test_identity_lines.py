"""The line of refresh tokens that comes of a sign-in: how it goes on, and how it ends."""

import asyncio
from typing import Any

import pytest
from chassis.identifiers import named_id
from chassis.testing import Signer
from identity.worker import forget_what_is_over
from joserfc import jwt

from services.identity.tests.portal import MARTIN, Portal, session_of


async def test_the_sessions_of_a_tablet_end_with_its_enrolment(portal: Portal) -> None:
    _, tokens = await portal.sign_in_on_tablet()
    await portal.execute("DELETE FROM devices")
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 401
    assert (await portal.get("/me", tokens["access_token"]))[0] == 401
    assert (await portal.sign_in_on_tablet())[0] == 401


async def test_a_refresh_token_is_rotated_at_each_use(portal: Portal) -> None:
    _, first = await portal.sign_in(**MARTIN)
    status, second = await portal.refresh(first["refresh_token"])
    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    status, third = await portal.refresh(second["refresh_token"])
    assert status == 200
    assert (await portal.get("/me", third["access_token"]))[0] == 200


async def test_an_old_refresh_token_used_again_ends_its_line(portal: Portal) -> None:
    _, first = await portal.sign_in(**MARTIN)
    _, other = await portal.sign_in(**MARTIN)
    _, second = await portal.refresh(first["refresh_token"])
    portal.later(seconds=11)
    assert (await portal.refresh(first["refresh_token"]))[0] == 401
    assert (await portal.refresh(second["refresh_token"]))[0] == 401
    # Another line of the same account goes on.
    assert (await portal.refresh(other["refresh_token"]))[0] == 200
    assert await portal.revoked() == [session_of(first)]


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(portal: Portal) -> None:
    _, first = await portal.sign_in(**MARTIN)
    answers = await asyncio.gather(*(portal.refresh(first["refresh_token"]) for _ in range(3)))
    assert [status for status, _ in answers] == [200, 200, 200]
    (successor,) = {tokens["refresh_token"] for _, tokens in answers}
    portal.later(seconds=9)
    assert (await portal.refresh(first["refresh_token"]))[1]["refresh_token"] == successor
    assert (await portal.refresh(successor))[0] == 200


async def test_a_line_never_forks(portal: Portal) -> None:
    """What two tabs hold is one token: whoever uses it later than the other is found out."""
    _, first = await portal.sign_in(**MARTIN)
    (_, one), (_, other) = await asyncio.gather(*(portal.refresh(first["refresh_token"]) for _ in range(2)))
    portal.later(seconds=60)
    status, newest = await portal.refresh(one["refresh_token"])
    assert status == 200
    portal.later(seconds=120)
    assert (await portal.refresh(other["refresh_token"]))[0] == 401
    assert (await portal.refresh(newest["refresh_token"]))[0] == 401


async def test_a_living_line_keeps_one_row_however_long(portal: Portal) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    for _ in range(5):
        _, tokens = await portal.refresh(tokens["refresh_token"])
    tables = await portal.scalars("SELECT relname FROM pg_stat_user_tables WHERE relname LIKE '%token%'")
    assert (tables, await portal.scalars("SELECT count(*) FROM sessions")) == ([], [1])


async def test_a_session_ends_90_days_after_its_sign_in_however_it_is_refreshed(portal: Portal) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    for day in (13, 26, 39, 52, 65, 78, 89):
        portal.later(days=day)
        status, tokens = await portal.refresh(tokens["refresh_token"])
        assert status == 200
    portal.later(days=90, seconds=1)
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 401


@pytest.mark.parametrize("order", ["refresh first", "sign-out first"])
async def test_refresh_and_sign_out_at_once_end_the_session(portal: Portal, order: str) -> None:
    for _ in range(20):
        _, tokens = await portal.sign_in(**MARTIN)
        calls: list[Any] = [portal.refresh(tokens["refresh_token"]) for _ in range(2)]
        calls.insert(2 if order == "refresh first" else 0, portal.delete("/sessions/current", tokens["access_token"]))
        answers = await asyncio.gather(*calls)
        signed_out = answers.pop(2 if order == "refresh first" else 0)
        assert signed_out == 204
        for status, given in answers:
            assert status in (200, 401)
            if status == 200:
                assert (await portal.refresh(given["refresh_token"]))[0] == 401
                assert (await portal.get("/me", given["access_token"]))[0] == 401
    assert await portal.scalars("SELECT count(*) FROM sessions") == [0]


async def test_a_refresh_and_the_worker_that_forgets_never_wait_in_a_ring(portal: Portal) -> None:
    lines = [(await portal.sign_in(**MARTIN))[1]["refresh_token"] for _ in range(10)]
    portal.later(days=14, seconds=1)
    answers = await asyncio.gather(
        *(portal.refresh(token) for token in lines),
        *(forget_what_is_over(portal.database, portal.settings) for _ in range(3)),
    )
    assert {answer[0] for answer in answers if answer} == {401}
    assert await portal.scalars("SELECT count(*) FROM sessions") == [0]


async def test_a_token_replayed_after_its_successor_was_used_is_no_second_tab(portal: Portal) -> None:
    _, first = await portal.sign_in(**MARTIN)
    _, second = await portal.refresh(first["refresh_token"])
    _, third = await portal.refresh(second["refresh_token"])
    assert (await portal.refresh(first["refresh_token"]))[0] == 401
    assert (await portal.refresh(third["refresh_token"]))[0] == 401


async def test_an_unknown_refresh_token_is_refused(portal: Portal) -> None:
    assert (await portal.refresh("unknown"))[1]["type"] == "urn:problem:unauthenticated"


async def test_a_line_that_nobody_refreshes_ends(portal: Portal) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    portal.later(days=14, seconds=1)
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 401
    await forget_what_is_over(portal.database, portal.settings)
    assert await portal.scalars("SELECT count(*) FROM sessions") == [0]


async def test_signing_out_ends_this_session_and_no_other(portal: Portal) -> None:
    _, one = await portal.sign_in(**MARTIN)
    _, other = await portal.sign_in(**MARTIN)
    assert await portal.delete("/sessions/current", one["access_token"]) == 204
    assert (await portal.refresh(one["refresh_token"]))[0] == 401
    assert (await portal.refresh(other["refresh_token"]))[0] == 200
    assert (await portal.get("/me", other["access_token"]))[0] == 200
    assert await portal.revoked() == [session_of(one)]


async def test_an_access_token_opens_nothing_here_once_its_session_has_ended(portal: Portal) -> None:
    """Elsewhere it is good until that is heard."""
    _, tokens = await portal.sign_in_staff()
    for status in (200, 401):
        for path in ("/me", "/link-requests"):
            assert (await portal.get(path, tokens["access_token"]))[0] == status
        assert await portal.delete("/sessions/current", tokens["access_token"]) == (204 if status == 200 else 401)


async def test_a_token_without_a_session_or_with_anothers_is_refused(portal: Portal, signer: Signer) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    sid = jwt.decode(tokens["access_token"], signer.keys, algorithms=["ES256"]).claims["sid"]
    martin, diallo = str(named_id("account", "martin")), str(named_id("account", "diallo"))
    assert (await portal.get("/me", signer.token("guardian", sub=martin, sid=sid)))[0] == 200
    assert (await portal.get("/me", signer.token("guardian", sub=martin)))[0] == 401
    assert (await portal.get("/me", signer.token("guardian", sub=diallo, sid=sid)))[0] == 401


@pytest.mark.parametrize("token", ["", "unknown", "é", "A" * 70, "=" * 8])
async def test_nonsense_as_a_refresh_token_ends_nothing(portal: Portal, token: str) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    given = tokens["refresh_token"]
    forged = given[:-2] + ("AA" if given[-2:] != "AA" else "BB")
    for wrong in (token or given[:-1], forged, forged.upper()):
        assert (await portal.refresh(wrong))[0] == 401
    assert (await portal.refresh(given))[0] == 200


async def test_me_needs_a_person_with_an_account(portal: Portal, signer: Signer) -> None:
    assert (await portal.get("/me", signer.token("integrator")))[0] == 403
    assert (await portal.get("/me", signer.token("guardian")))[0] == 401
    assert (await portal.get("/me", "not.a.token"))[0] == 401
