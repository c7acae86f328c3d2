"""Codes of the moment."""

import base64
from datetime import timedelta

import pytest
from chassis import clock
from identity.second_factor import totp, totp_step

from services.identity.tests.portal import TOTP_SECRET, code_at


@pytest.mark.parametrize(("second", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_rfc_6238(second: int, code: str) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert totp(secret, second // 30) == code


def test_a_code_is_good_one_step_before_and_after_its_own() -> None:
    now = clock.now()
    for steps, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = code_at(now + timedelta(seconds=30 * steps))
        assert (totp_step(TOTP_SECRET, code, now) == int(now.timestamp()) // 30 + steps) is good
    assert totp_step(TOTP_SECRET, "é", now) is None
