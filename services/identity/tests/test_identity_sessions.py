"""Signing in, second factors, the line of refresh tokens, and what an access token says."""

import asyncio
import base64
from datetime import datetime, timedelta
from time import process_time
from typing import Any

import pytest
from chassis import clock
from chassis.identifiers import named_id
from chassis.reach import Reach
from chassis.testing import ISSUER, Signer
from identity.main import SERVICE
from identity.second_factor import totp, totp_step
from identity.worker import forget_what_is_over
from joserfc import jwt
from joserfc.jwk import KeySet

from services.identity.tests.portal import Portal

MARTIN = {"login": "martin", "password": "Bienvenue!2026"}
AGENT = {"login": "agent", "password": "Guichet!2026"}
SECRET = "JBSWY3DPEHPK3PXP"

REFUSED = "urn:problem:identity:sign-in-refused"
MORE_NEEDED = "urn:problem:identity:second-factor-required"


def code_at(moment: datetime) -> str:
    """What the agent's application shows at that moment."""
    return totp(SECRET, int(moment.timestamp()) // 30)


async def refresh(portal: Portal, token: str) -> tuple[int, dict[str, Any]]:
    return await portal.post("/sessions/refresh", refresh_token=token)


async def test_the_access_token_says_who_calls_and_verifies_with_the_published_key(portal: Portal) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    async with portal.client.get("/v1/.well-known/jwks.json") as answer:
        published = await answer.json()
    assert all("d" not in key for key in published["keys"])
    token = jwt.decode(tokens["access_token"], KeySet.import_key_set(published), algorithms=["ES256"])
    assert token.header == {"alg": "ES256", "typ": "at+jwt", "kid": published["keys"][0]["kid"]}
    said = dict(token.claims)
    assert said.pop("exp") - said.pop("iat") == 600
    assert said.pop("sid")
    assert said.pop("jti")
    assert said == {
        "iss": ISSUER,
        "aud": "espace-familles",
        "sub": str(named_id("account", "martin")),
        "role": "guardian",
        "dossier_id": str(named_id("dossier", "100001")),
        "guardian_id": str(named_id("adult", "100001", "1")),
    }


@pytest.mark.parametrize(
    ("login", "name", "collects"), [("regie", "Rémi Régie", True), ("agent", "Agnès Guichet", False)]
)
async def test_the_access_token_names_the_staff_and_the_regies_they_collect_for(
    portal: Portal, signer: Signer, login: str, name: str, collects: bool
) -> None:
    _, tokens = await portal.sign_in_staff(login)
    reach = Reach.model_validate(jwt.decode(tokens["access_token"], signer.keys, algorithms=["ES256"]).claims)
    assert (reach.name, reach.covers_regie("enfance"), reach.covers_regie("autre")) == (name, collects, False)
    _, me = await portal.get("/me", tokens["access_token"])
    assert me["regies"] == list(reach.regies)


async def test_who_collects_no_more_is_told_so_at_the_next_refresh(portal: Portal, signer: Signer) -> None:
    _, tokens = await portal.sign_in_staff("regie")
    await portal.execute("UPDATE accounts SET regies = '{}' WHERE username = 'regie'")
    _, tokens = await refresh(portal, tokens["refresh_token"])
    assert "regies" not in jwt.decode(tokens["access_token"], signer.keys, algorithms=["ES256"]).claims


@pytest.mark.parametrize("login", ["martin", "MARTIN", "Sophie.Martin@example.org", " martin "])
async def test_a_login_is_a_username_or_an_email_whatever_its_case(portal: Portal, login: str) -> None:
    assert (await portal.sign_in(login, MARTIN["password"]))[0] == 201


@pytest.mark.parametrize(
    ("login", "password"),
    [("martin", "bienvenue!2026"), ("nobody", "Bienvenue!2026"), ("nobody@example.org", "x"), ("agent", "x")],
)
async def test_wrong_credentials_have_one_answer(portal: Portal, login: str, password: str) -> None:
    status, problem = await portal.sign_in(login, password)
    assert (status, problem["type"]) == (401, REFUSED)
    assert problem == (await portal.sign_in("unknown", "unknown"))[1]


async def test_an_unknown_login_costs_as_much_as_a_wrong_password(portal: Portal) -> None:
    async def cost(login: str) -> float:
        """Processor time, which does not depend on how busy the machine is."""
        started = process_time()
        await portal.sign_in(login, "wrong")
        return process_time() - started

    costs = [(await cost("martin"), await cost("nobody")) for _ in range(5)]
    known, unknown = (min(column) for column in zip(*costs, strict=True))
    assert 0.5 < unknown / known < 2


async def test_staff_need_the_code_of_the_moment(portal: Portal) -> None:
    status, problem = await portal.sign_in(**AGENT)
    assert (status, problem["type"]) == (401, MORE_NEEDED)
    status, problem = await portal.sign_in(**AGENT, otp="12345")
    assert (status, problem["type"]) == (401, REFUSED)
    status, tokens = await portal.sign_in(**AGENT, otp=code_at(clock.now()))
    assert status == 201
    status, me = await portal.get("/me", tokens["access_token"])
    assert (status, me["role"], me["dossier_id"]) == (200, "agent", None)


async def test_a_code_serves_once(portal: Portal) -> None:
    code = code_at(clock.now())
    answers = await asyncio.gather(*(portal.sign_in(**AGENT, otp=code) for _ in range(3)))
    assert sorted(status for status, _ in answers) == [201, 401, 401]
    portal.later(seconds=30)
    assert (await portal.sign_in(**AGENT, otp=code_at(clock.now())))[0] == 201


@pytest.mark.parametrize(("second", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_rfc_6238(second: int, code: str) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert totp(secret, second // 30) == code


def test_a_code_is_good_one_step_before_and_after_its_own() -> None:
    now = clock.now()
    for steps, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = code_at(now + timedelta(seconds=30 * steps))
        assert (totp_step(SECRET, code, now) == int(now.timestamp()) // 30 + steps) is good
    assert totp_step(SECRET, "é", now) is None


async def test_a_pin_works_only_with_its_enrolled_tablet(portal: Portal) -> None:
    status, tokens = await portal.sign_in_on_tablet()
    assert status == 201
    _, me = await portal.get("/me", tokens["access_token"])
    assert me["site_ids"] == [str(named_id("site", "jean-jaures"))]
    for wrong in ({"pin": "2027"}, {"device_token": "tablette-demo-2027"}, {"login": "agent"}, {"login": "nobody"}):
        status, problem = await portal.sign_in_on_tablet(**wrong)
        assert (status, problem["type"]) == (401, REFUSED)
    # Neither as a password nor as a code, and the account has no other way in.
    for other in ({"password": "2026"}, {"password": "Guichet!2026", "otp": "2026"}):
        assert (await portal.sign_in("animateur", **other))[1]["type"] == REFUSED


async def test_a_tablet_of_another_site_opens_nothing(portal: Portal) -> None:
    await portal.execute("UPDATE accounts SET site_ids = '{}' WHERE username = 'animateur'")
    assert (await portal.sign_in_on_tablet())[1]["type"] == REFUSED


async def test_the_sessions_of_a_tablet_end_with_its_enrolment(portal: Portal) -> None:
    _, tokens = await portal.sign_in_on_tablet()
    await portal.execute("DELETE FROM devices")
    assert (await refresh(portal, tokens["refresh_token"]))[0] == 401
    assert (await portal.get("/me", tokens["access_token"]))[0] == 401
    assert (await portal.sign_in_on_tablet())[0] == 401


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "/password"),
        ({"otp": "123456"}, "/password"),
        ({"pin": "2026"}, "/device_token"),
        ({"device_token": "tablette-demo-2026"}, "/pin"),
        ({"device_token": "tablette-demo-2026", "pin": "2026", "password": "Guichet!2026"}, "/password"),
        ({"device_token": "tablette-demo-2026", "pin": "2026", "otp": "2026"}, "/otp"),
    ],
    ids=str,
)
async def test_a_sign_in_is_by_password_or_by_tablet(portal: Portal, body: dict[str, str], wrong: str) -> None:
    status, problem = await portal.post("/sessions", login="animateur", **body)
    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [wrong])


async def test_the_second_factor_is_asked_only_of_who_knows_the_password(portal: Portal) -> None:
    assert (await portal.sign_in("agent", "wrong"))[1]["type"] == REFUSED


async def test_a_refresh_token_is_rotated_at_each_use(portal: Portal) -> None:
    _, first = await portal.sign_in(**MARTIN)
    status, second = await refresh(portal, first["refresh_token"])
    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    status, third = await refresh(portal, second["refresh_token"])
    assert status == 200
    assert (await portal.get("/me", third["access_token"]))[0] == 200


async def test_an_old_refresh_token_used_again_ends_its_line(portal: Portal) -> None:
    _, first = await portal.sign_in(**MARTIN)
    _, other = await portal.sign_in(**MARTIN)
    _, second = await refresh(portal, first["refresh_token"])
    portal.later(seconds=11)
    assert (await refresh(portal, first["refresh_token"]))[0] == 401
    assert (await refresh(portal, second["refresh_token"]))[0] == 401
    # Another line of the same account goes on.
    assert (await refresh(portal, other["refresh_token"]))[0] == 200


async def test_two_tabs_that_refresh_at_once_get_the_same_successor(portal: Portal) -> None:
    _, first = await portal.sign_in(**MARTIN)
    answers = await asyncio.gather(*(refresh(portal, first["refresh_token"]) for _ in range(3)))
    assert [status for status, _ in answers] == [200, 200, 200]
    (successor,) = {tokens["refresh_token"] for _, tokens in answers}
    portal.later(seconds=9)
    assert (await refresh(portal, first["refresh_token"]))[1]["refresh_token"] == successor
    assert (await refresh(portal, successor))[0] == 200


async def test_a_line_never_forks(portal: Portal) -> None:
    """What two tabs hold is one token: whoever uses it later than the other is found out."""
    _, first = await portal.sign_in(**MARTIN)
    (_, one), (_, other) = await asyncio.gather(*(refresh(portal, first["refresh_token"]) for _ in range(2)))
    portal.later(seconds=60)
    status, newest = await refresh(portal, one["refresh_token"])
    assert status == 200
    portal.later(seconds=120)
    assert (await refresh(portal, other["refresh_token"]))[0] == 401
    assert (await refresh(portal, newest["refresh_token"]))[0] == 401


async def test_a_living_line_keeps_one_row_however_long(portal: Portal) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    for _ in range(5):
        _, tokens = await refresh(portal, tokens["refresh_token"])
    tables = await portal.scalars("SELECT relname FROM pg_stat_user_tables WHERE relname LIKE '%token%'")
    assert (tables, await portal.scalars("SELECT count(*) FROM sessions")) == ([], [1])


async def test_a_session_ends_90_days_after_its_sign_in_however_it_is_refreshed(portal: Portal) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    for day in (13, 26, 39, 52, 65, 78, 89):
        portal.later(days=day)
        status, tokens = await refresh(portal, tokens["refresh_token"])
        assert status == 200
    portal.later(days=90, seconds=1)
    assert (await refresh(portal, tokens["refresh_token"]))[0] == 401


@pytest.mark.parametrize("order", ["refresh first", "sign-out first"])
async def test_refresh_and_sign_out_at_once_end_the_session(portal: Portal, order: str) -> None:
    for _ in range(20):
        _, tokens = await portal.sign_in(**MARTIN)
        calls: list[Any] = [refresh(portal, tokens["refresh_token"]) for _ in range(2)]
        calls.insert(2 if order == "refresh first" else 0, portal.delete("/sessions/current", tokens["access_token"]))
        answers = await asyncio.gather(*calls)
        signed_out = answers.pop(2 if order == "refresh first" else 0)
        assert signed_out == 204
        for status, given in answers:
            assert status in (200, 401)
            if status == 200:
                assert (await refresh(portal, given["refresh_token"]))[0] == 401
                assert (await portal.get("/me", given["access_token"]))[0] == 401
    assert await portal.scalars("SELECT count(*) FROM sessions") == [0]


async def test_a_refresh_and_the_worker_that_forgets_never_wait_in_a_ring(portal: Portal) -> None:
    lines = [(await portal.sign_in(**MARTIN))[1]["refresh_token"] for _ in range(10)]
    portal.later(days=14, seconds=1)
    answers = await asyncio.gather(
        *(refresh(portal, token) for token in lines),
        *(forget_what_is_over(portal.database, portal.settings) for _ in range(3)),
    )
    assert {answer[0] for answer in answers if answer} == {401}
    assert await portal.scalars("SELECT count(*) FROM sessions") == [0]


async def test_a_token_replayed_after_its_successor_was_used_is_no_second_tab(portal: Portal) -> None:
    _, first = await portal.sign_in(**MARTIN)
    _, second = await refresh(portal, first["refresh_token"])
    _, third = await refresh(portal, second["refresh_token"])
    assert (await refresh(portal, first["refresh_token"]))[0] == 401
    assert (await refresh(portal, third["refresh_token"]))[0] == 401


async def test_an_unknown_refresh_token_is_refused(portal: Portal) -> None:
    assert (await refresh(portal, "unknown"))[1]["type"] == "urn:problem:unauthenticated"


async def test_a_line_that_nobody_refreshes_ends(portal: Portal) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    portal.later(days=14, seconds=1)
    assert (await refresh(portal, tokens["refresh_token"]))[0] == 401
    await forget_what_is_over(portal.database, portal.settings)
    assert await portal.scalars("SELECT count(*) FROM sessions") == [0]


async def test_signing_out_ends_this_session_and_no_other(portal: Portal) -> None:
    _, one = await portal.sign_in(**MARTIN)
    _, other = await portal.sign_in(**MARTIN)
    assert await portal.delete("/sessions/current", one["access_token"]) == 204
    assert (await refresh(portal, one["refresh_token"]))[0] == 401
    assert (await refresh(portal, other["refresh_token"]))[0] == 200
    # Its access token, good elsewhere until its ten minutes are over, opens nothing here.
    for path in ("/me", "/link-requests"):
        assert (await portal.get(path, one["access_token"]))[0] == (401 if path == "/me" else 403)
    assert await portal.delete("/sessions/current", one["access_token"]) == 401
    assert (await portal.get("/me", other["access_token"]))[0] == 200


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
        assert (await refresh(portal, wrong))[0] == 401
    assert (await refresh(portal, given))[0] == 200


async def test_me_needs_a_person_with_an_account(portal: Portal, signer: Signer) -> None:
    assert (await portal.get("/me", signer.token("integrator")))[0] == 403
    assert (await portal.get("/me", signer.token("guardian")))[0] == 401
    assert (await portal.get("/me", "not.a.token"))[0] == 401


async def test_no_secret_is_kept_as_it_was_given(portal: Portal) -> None:
    _, given = await portal.claim()
    await portal.register(given["dossier_claim"])
    link = await portal.link()
    _, tokens = await portal.sign_in(**MARTIN)
    assert (await portal.sign_in_on_tablet())[0] == 201
    for table in SERVICE.metadata.tables:
        rows = " ".join(await portal.scalars(f"SELECT row_to_json(t)::text FROM {table} t"))
        for secret in (
            given["dossier_claim"],
            link,
            tokens["refresh_token"],
            MARTIN["password"],
            "Papillon!24",
            "tablette-demo",
        ):
            assert secret not in rows
            assert secret.encode().hex() not in rows
