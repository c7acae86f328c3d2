"""A second factor of one's own: taken with its first code, good once each, with ten codes for the day it is lost."""

import asyncio
from typing import Any

import pytest
from chassis import clock
from identity import passwords
from identity.second_factor import RECOVERY_CODES, STEP_S, totp

from services.identity.tests.portal import MARTIN, PASSWORD, Portal, pointers

CODE_REFUSED = (422, ["/otp"])
REQUIRED = (401, "urn:problem:identity:second-factor-required")
REFUSED = (401, "urn:problem:identity:sign-in-refused")


async def call(portal: Portal, method: str, path: str, tokens: dict[str, Any], **body: str) -> tuple[int, Any]:
    """Status, and the answer or the fields that are refused."""
    status, answer = await portal.send(method, path, bearer=tokens["access_token"], **body)
    return status, pointers(answer) if status == 422 else answer


def code(secret: str, steps: int = 0) -> str:
    """Of now, or of so many steps later."""
    return totp(secret, int(clock.now().timestamp()) // STEP_S + steps)


async def offered(portal: Portal, tokens: dict[str, Any], **proof: str) -> str:
    status, answer = await call(portal, "POST", "/me/totp", tokens, password=MARTIN["password"], **proof)
    assert status == 201
    assert answer["uri"].startswith("otpauth://totp/Espace%20Familles:martin?secret=" + answer["secret"])
    return str(answer["secret"])


async def enrolled(portal: Portal, tokens: dict[str, Any]) -> tuple[str, list[str]]:
    """The Martins' secret and recovery codes."""
    secret = await offered(portal, tokens)
    status, answer = await call(portal, "PUT", "/me/totp", tokens, otp=code(secret))
    assert status == 200
    return secret, answer["recovery_codes"]


async def signs_in(portal: Portal, otp: str | None = None, login: str = "martin") -> tuple[int, str]:
    status, answer = await portal.sign_in(login, MARTIN["password"], **({"otp": otp} if otp else {}))
    return status, answer.get("type", "")


async def test_a_guardian_may_take_a_second_factor_which_each_sign_in_then_asks_for(portal: Portal) -> None:
    _, other = await portal.sign_in(**MARTIN)
    _, own = await portal.sign_in(**MARTIN)
    secret = await offered(portal, own)
    assert await signs_in(portal) == (201, "")  # nothing counts before its first code
    first = code(secret)
    status, answer = await call(portal, "PUT", "/me/totp", own, otp=first)
    assert (status, len(set(answer["recovery_codes"]))) == (200, RECOVERY_CODES)
    assert (await portal.get("/me", own["access_token"]))[1]["has_second_factor"]
    assert (await portal.refresh(other["refresh_token"]))[0] == 401
    assert (await portal.refresh(own["refresh_token"]))[0] == 200
    assert (await portal.mails())[-1]["Subject"] == "La double authentification est activée"

    assert await signs_in(portal) == REQUIRED
    assert await signs_in(portal, "000000") == REFUSED
    assert await signs_in(portal, first) == REFUSED  # it has served
    following = code(secret, 1)
    assert await signs_in(portal, following) == (201, "")
    assert await signs_in(portal, following) == REFUSED


async def test_a_recovery_code_stands_for_it_once_however_it_is_typed(portal: Portal) -> None:
    _, own = await portal.sign_in(**MARTIN)
    _, (first, second, *_) = await enrolled(portal, own)
    assert await signs_in(portal, first) == (201, "")
    assert await signs_in(portal, first) == REFUSED
    assert await signs_in(portal, second.lower().replace("-", " ")) == (201, "")
    third = (await new_codes(portal, own))[0]
    answers = await asyncio.gather(*(signs_in(portal, third) for _ in range(5)))
    assert sorted(answers) == [(201, ""), *[REFUSED] * 4]


async def new_codes(portal: Portal, tokens: dict[str, Any]) -> list[str]:
    """Ten new codes, by one of the account's."""
    (secret,) = await portal.scalars("SELECT totp_secret FROM accounts WHERE username = 'martin'")
    proof = {"password": MARTIN["password"], "otp": code(secret, 1)}
    status, answer = await call(portal, "POST", "/me/recovery-codes", tokens, **proof)
    assert status == 201
    codes: list[str] = answer["recovery_codes"]
    return codes


async def test_nobodys_recovery_code_is_anothers(portal: Portal) -> None:
    _, martin = await portal.sign_in(**MARTIN)
    _, diallo = await portal.sign_in("diallo", MARTIN["password"])
    _, codes = await enrolled(portal, martin)
    secret = (await call(portal, "POST", "/me/totp", diallo, password=MARTIN["password"]))[1]["secret"]
    await call(portal, "PUT", "/me/totp", diallo, otp=code(secret))
    assert await signs_in(portal, codes[0], "diallo") == REFUSED
    assert await signs_in(portal, codes[0]) == (201, "")


async def test_new_recovery_codes_end_the_old_ones(portal: Portal) -> None:
    _, own = await portal.sign_in(**MARTIN)
    assert (await call(portal, "POST", "/me/recovery-codes", own, password=MARTIN["password"]))[0] == 409
    secret, old = await enrolled(portal, own)
    proof = {"password": MARTIN["password"], "otp": old[0]}
    for wrong, pointer in (({"password": "Autre!2026"}, "/password"), ({"otp": "000000"}, "/otp")):
        assert await call(portal, "POST", "/me/recovery-codes", own, **proof | wrong) == (422, [pointer])
    assert await call(portal, "POST", "/me/recovery-codes", own, password=MARTIN["password"]) == CODE_REFUSED
    status, answer = await call(portal, "POST", "/me/recovery-codes", own, **proof)
    assert status == 201
    assert await call(portal, "POST", "/me/recovery-codes", own, **proof) == CODE_REFUSED  # it has served
    assert await signs_in(portal, old[1]) == REFUSED
    assert await signs_in(portal, answer["recovery_codes"][0]) == (201, "")
    assert await portal.scalars("SELECT count(*) FROM recovery_codes") == [RECOVERY_CODES - 1]
    assert await signs_in(portal, code(secret, 1)) == (201, "")


async def test_it_is_replaced_and_given_up_with_a_code_of_it_alone(portal: Portal) -> None:
    _, own = await portal.sign_in(**MARTIN)
    _, codes = await enrolled(portal, own)
    password = {"password": MARTIN["password"]}
    assert await call(portal, "POST", "/me/totp", own, **password) == CODE_REFUSED
    secret = await offered(portal, own, otp=codes[0])
    assert (await call(portal, "PUT", "/me/totp", own, otp=code(secret)))[0] == 200
    assert await signs_in(portal, codes[1]) == REFUSED  # those were the former one's
    assert await call(portal, "DELETE", "/me/totp", own, **password) == CODE_REFUSED
    assert (await call(portal, "DELETE", "/me/totp", own, **password, otp=code(secret, 1)))[0] == 204
    assert (await call(portal, "DELETE", "/me/totp", own, **password))[0] == 204
    assert await signs_in(portal) == (201, "")
    assert await portal.scalars("SELECT count(*) FROM recovery_codes") == [0]
    assert (await portal.mails())[-1]["Subject"] == "La double authentification est désactivée"


async def test_a_secret_waits_an_hour_for_its_code_and_the_newest_alone(portal: Portal) -> None:
    _, own = await portal.sign_in(**MARTIN)
    assert await call(portal, "PUT", "/me/totp", own, otp="000000") == CODE_REFUSED
    older, newer = await offered(portal, own), await offered(portal, own)
    assert await call(portal, "PUT", "/me/totp", own, otp=code(older)) == CODE_REFUSED
    portal.later(hours=1, seconds=1)
    _, own = await portal.sign_in(**MARTIN)
    assert await call(portal, "PUT", "/me/totp", own, otp=code(newer)) == CODE_REFUSED
    assert (await call(portal, "PUT", "/me/totp", own, otp=code(await offered(portal, own))))[0] == 200


async def test_enrolled_many_times_at_once_it_is_so_once(portal: Portal) -> None:
    _, own = await portal.sign_in(**MARTIN)
    secret = await offered(portal, own)
    answers = await asyncio.gather(*(call(portal, "PUT", "/me/totp", own, otp=code(secret)) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 422, 422, 422]
    assert await portal.scalars("SELECT count(*) FROM recovery_codes") == [RECOVERY_CODES]
    assert len(await portal.mails()) == 1


async def test_no_session_begins_by_the_password_alone_once_it_is_taken(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, own = await portal.sign_in(**MARTIN)
    secret = await offered(portal, own)
    proved, taken, really = asyncio.Event(), asyncio.Event(), passwords.matches

    async def meanwhile(password: str, password_hash: str | None) -> bool:
        right = await really(password, password_hash)
        proved.set()
        await taken.wait()
        return right

    monkeypatch.setattr(passwords, "matches", meanwhile)
    signing_in = asyncio.create_task(signs_in(portal))
    await proved.wait()
    assert (await call(portal, "PUT", "/me/totp", own, otp=code(secret)))[0] == 200
    taken.set()
    assert await signing_in == REFUSED


async def test_the_staff_replace_theirs_and_never_give_it_up(portal: Portal) -> None:
    _, agent = await portal.sign_in_staff()
    proof = {"password": "Guichet!2026"}
    assert await call(portal, "POST", "/me/totp", agent, **proof) == CODE_REFUSED
    portal.later(seconds=STEP_S)
    status, answer = await call(portal, "POST", "/me/totp", agent, **proof, otp=code("JBSWY3DPEHPK3PXP"))
    assert status == 201
    assert (await call(portal, "PUT", "/me/totp", agent, otp=code(answer["secret"])))[0] == 200
    assert (await call(portal, "DELETE", "/me/totp", agent, **proof, otp=code(answer["secret"], 1)))[0] == 403
    assert (await portal.sign_in("agent", "Guichet!2026", otp=code("JBSWY3DPEHPK3PXP", 1)))[0] == 401
    assert (await portal.sign_in("agent", "Guichet!2026", otp=code(answer["secret"], 1)))[0] == 201
    _, tablet = await portal.sign_in_on_tablet()
    assert (await call(portal, "POST", "/me/totp", tablet, password=PASSWORD))[0] == 403


async def test_guesses_at_a_code_are_counted(portal: Portal) -> None:
    _, own = await portal.sign_in(**MARTIN)
    _, codes = await enrolled(portal, own)
    wrong = {"password": MARTIN["password"], "otp": "000000"}
    for _ in range(portal.settings.sign_in_limit):
        assert await call(portal, "POST", "/me/recovery-codes", own, **wrong) == CODE_REFUSED
    assert (await call(portal, "POST", "/me/recovery-codes", own, **wrong | {"otp": codes[0]}))[0] == 429
