"""Wrong tries are slowed, per account and per address, and a stranger can lock nobody out."""

import asyncio

from chassis import clock
from identity.worker import forget_what_is_over

from services.identity.tests.portal import Portal, code_at

STRANGER, FAMILY = "203.0.113.7", "198.51.100.20"


async def test_after_ten_wrong_tries_the_eleventh_waits_even_with_the_right_password(portal: Portal) -> None:
    for _ in range(10):
        assert (await portal.sign_in("martin", "wrong", STRANGER))[0] == 401
    async with portal.client.post(
        "/v1/sessions",
        json={"login": "Martin", "password": "Bienvenue!2026"},
        headers={"X-Forwarded-For": STRANGER},
    ) as answer:
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 600
        problem = await answer.json(content_type=None)
    assert problem["type"] == "urn:problem:identity:too-many-tries"
    # Neither the right person elsewhere nor another account here has to wait.
    assert (await portal.sign_in("martin", "Bienvenue!2026", FAMILY))[0] == 201
    assert (await portal.sign_in("diallo", "Bienvenue!2026", STRANGER))[0] == 201
    portal.later(minutes=10, seconds=1)
    assert (await portal.sign_in("martin", "Bienvenue!2026", STRANGER))[0] == 201


async def test_of_many_wrong_tries_at_once_only_ten_are_heard(portal: Portal) -> None:
    answers = await asyncio.gather(*(portal.sign_in("martin", f"wrong{n}", STRANGER) for n in range(30)))
    assert sorted(status for status, _ in answers) == [401] * 10 + [429] * 20
    assert (await portal.sign_in("martin", "Bienvenue!2026", STRANGER))[0] == 429


async def test_many_right_sign_ins_at_once_are_all_served(portal: Portal) -> None:
    answers = await asyncio.gather(*(portal.sign_in("martin", "Bienvenue!2026", FAMILY) for _ in range(15)))
    assert {status for status, _ in answers} == {201}


async def test_a_right_password_forgives_the_wrong_ones(portal: Portal) -> None:
    for _ in range(2):
        for _ in range(9):
            assert (await portal.sign_in("martin", "wrong", FAMILY))[0] == 401
        assert (await portal.sign_in("martin", "Bienvenue!2026", FAMILY))[0] == 201


async def test_one_address_may_not_try_account_after_account(portal: Portal) -> None:
    portal.settings.sign_in_address_limit = 12
    for number in range(12):
        assert (await portal.sign_in(f"nobody{number}", "wrong", STRANGER))[0] == 401
    assert (await portal.sign_in("somebody", "wrong", STRANGER))[0] == 429
    assert (await portal.sign_in("somebody", "wrong", FAMILY))[0] == 401


async def test_wrong_second_factors_count_too(portal: Portal) -> None:
    code = code_at(clock.now())
    for _ in range(10):
        assert (await portal.sign_in("agent", "Guichet!2026", STRANGER, otp="x"))[0] == 401
    assert (await portal.sign_in("agent", "Guichet!2026", STRANGER, otp=code))[0] == 429
    assert (await portal.sign_in("agent", "Guichet!2026", FAMILY, otp=code))[0] == 201


async def test_wrong_pins_are_counted_by_tablet_wherever_it_is(portal: Portal) -> None:
    for number in range(10):
        assert (await portal.sign_in_on_tablet(f"000{number}", address=f"192.0.2.{number}"))[0] == 401
    assert (await portal.sign_in_on_tablet(address=FAMILY))[0] == 429
    portal.later(minutes=59)
    assert (await portal.sign_in_on_tablet(address=FAMILY))[0] == 429
    portal.later(hours=1, seconds=1)
    assert (await portal.sign_in_on_tablet(address=FAMILY))[0] == 201


async def test_a_stranger_without_the_tablet_keeps_nobody_from_it(portal: Portal) -> None:
    portal.settings.sign_in_limit = 2
    for _ in range(2):
        assert (await portal.sign_in_on_tablet(device_token="guessed", address=STRANGER))[0] == 401
    assert (await portal.sign_in_on_tablet(device_token="guessed", address=STRANGER))[0] == 429
    assert (await portal.sign_in_on_tablet(address=STRANGER))[0] == 201


async def test_wrong_claims_are_counted_by_address_and_right_ones_are_not(portal: Portal) -> None:
    right = {"dossier_number": "100042", "last_name": "Moreau", "email": "claire.moreau@example.org"}
    for _ in range(portal.settings.claim_limit):
        assert (await portal.post("/claims", STRANGER, **right | {"last_name": "Morel"}))[0] == 404
        assert (await portal.post("/claims", FAMILY, **right))[0] == 201
    assert (await portal.post("/claims", STRANGER, **right))[0] == 429
    assert (await portal.post("/claims", FAMILY, **right))[0] == 201


async def test_usernames_cannot_be_listed_by_checking_them_one_by_one(portal: Portal) -> None:
    portal.settings.check_limit = 3
    for number in range(3):
        assert (await portal.post("/registrations/check", STRANGER, username=f"name{number}"))[0] == 204
    assert (await portal.post("/registrations/check", STRANGER, username="martin"))[0] == 429


async def test_link_requests_are_counted_by_address(portal: Portal) -> None:
    portal.settings.link_request_limit = 2
    asked = {"last_name": "Moreau", "first_name": "Claire", "email": "claire@example.org"}
    assert [(await portal.post("/link-requests", STRANGER, **asked))[0] for _ in range(3)] == [202, 202, 429]


async def test_only_the_last_hop_says_who_calls(portal: Portal) -> None:
    for number in range(10):
        assert (await portal.sign_in("martin", "wrong", f"192.0.2.{number}, {STRANGER}"))[0] == 401
    assert (await portal.sign_in("martin", "wrong", f"192.0.2.99, {STRANGER}"))[0] == 429


async def test_counts_are_forgotten_when_their_ten_minutes_are_over(portal: Portal) -> None:
    await portal.sign_in("martin", "wrong")
    await forget_what_is_over(portal.database, portal.settings)
    counts = "SELECT (SELECT count(*) FROM tries) || ' ' || (SELECT count(*) FROM lanes)"
    assert await portal.scalars(counts) == ["3 1"]
    portal.later(minutes=10, seconds=1)
    await forget_what_is_over(portal.database, portal.settings)
    assert await portal.scalars(counts) == ["0 0"]
