"""Who is let in: every way a token can be wrong, and identity's keys in the background."""

import asyncio
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from chassis import tokens
from chassis.problems import Unavailable
from chassis.testing import ISSUER, Signer, shifted_clock
from chassis.tokens import Keys, Unauthenticated, Verifier
from joserfc.jwk import ECKey

from libs.chassis.tests.jwks import jwks
from libs.chassis.tests.waiting import until


async def status(client: aiohttp.ClientSession, authorization: str | None) -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with client.get(f"/v1/things/{uuid4()}", headers=headers) as answer:
        if answer.status == 401:
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert (await answer.json(content_type="application/problem+json"))["type"] == "urn:problem:unauthenticated"
        return answer.status


def part(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def unsigned(token: str, **header: str) -> str:
    """The token's claims under another header, with the dot that comes before a signature."""
    _, claims, _ = token.split(".")
    return f"{part(json.dumps({'typ': 'at+jwt'} | header).encode())}.{claims}."


def signed_with_the_public_key(signer: Signer) -> str:
    """HS256 with the text of the public key for a secret, in case a verifier takes whatever algorithm is named."""
    text = unsigned(signer.token(), alg="HS256", kid=str(signer.key.kid)).removesuffix(".")
    signature = hmac.digest(signer.key.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{part(signature)}"


def signed_by_another(signer: Signer) -> str:
    other = Signer()
    other.key = ECKey.generate_key("P-256", {"kid": str(signer.key.kid)})
    return other.token()


def tampered(signer: Signer) -> str:
    header, _, signature = signer.token().split(".")
    _, claims, _ = signer.token("administrator").split(".")
    return f"{header}.{claims}.{signature}"


async def test_a_right_token_is_let_in(client: aiohttp.ClientSession, signer: Signer) -> None:
    token = signer.token()
    for _ in range(2):  # verified, then known
        assert await status(client, f"Bearer {token}") == 404


async def test_another_role_is_not_let_in(client: aiohttp.ClientSession, signer: Signer) -> None:
    assert await status(client, f"Bearer {signer.token('agent')}") == 403


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic bWU6bWU=", "Bearer garbage", "Bearer a.b.c", "Bearer é.è.à"]
)
async def test_without_a_token_nobody_is_let_in(client: aiohttp.ClientSession, authorization: str | None) -> None:
    assert await status(client, authorization) == 401


@pytest.mark.parametrize("algorithm", ["none", "None", "ES256", "HS256"])
async def test_an_unsigned_token_is_refused(client: aiohttp.ClientSession, signer: Signer, algorithm: str) -> None:
    assert await status(client, f"Bearer {unsigned(signer.token(), alg=algorithm)}") == 401


@pytest.mark.parametrize("forge", [signed_with_the_public_key, signed_by_another, tampered])
async def test_a_token_that_identity_did_not_sign_is_refused(
    client: aiohttp.ClientSession, signer: Signer, forge: Callable[[Signer], str]
) -> None:
    assert await status(client, f"Bearer {forge(signer)}") == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.test"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["other", "another"]},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": "somebody"},
        {"role": "king"},
        {"role": None},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(
    client: aiohttp.ClientSession, signer: Signer, claims: dict[str, Any]
) -> None:
    assert await status(client, f"Bearer {signer.token(**claims)}") == 401


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "rt+jwt"}, {"kid": "unknown"}], ids=str)
async def test_a_token_of_another_type_or_key_is_refused(
    client: aiohttp.ClientSession, signer: Signer, header: dict[str, str]
) -> None:
    assert await status(client, f"Bearer {signer.token(header=header)}") == 401


async def test_a_token_ends_at_its_end_also_where_it_is_known(
    client: aiohttp.ClientSession, signer: Signer, clock_file: Path
) -> None:
    token = signer.token()
    assert await status(client, f"Bearer {token}") == 404
    with shifted_clock(clock_file, 601):
        assert await status(client, f"Bearer {token}") == 401
        assert await status(client, f"Bearer {signer.token()}") == 404


async def test_a_token_issued_by_a_clock_slightly_ahead_is_taken(signer: Signer, clock_file: Path) -> None:
    keys = Keys("http://127.0.0.1:9")
    keys.set = signer.keys
    with shifted_clock(clock_file, 10):
        token = signer.token()
    assert (await Verifier(keys, ISSUER).caller(token)).role == "guardian"


async def test_without_any_key_the_caller_is_asked_to_come_back(signer: Signer) -> None:
    with pytest.raises(Unavailable):
        await Verifier(Keys("http://127.0.0.1:9"), ISSUER).caller(signer.token())


@asynccontextmanager
async def refreshing(url: str) -> AsyncIterator[Keys]:
    keys = Keys(url)
    task = asyncio.create_task(keys.refresh())
    try:
        yield keys
        assert not task.done()
    finally:
        task.cancel()


@pytest.mark.parametrize(
    "answer", [RuntimeError("identity is broken"), [], {}, {"keys": "none"}, {"keys": [{"kty": "EC"}]}], ids=str
)
async def test_whatever_identity_answers_the_last_good_keys_are_kept_until_there_are_better(
    signer: Signer, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    monkeypatch.setattr(tokens, "REFRESH_S", 0.01)
    async with jwks(signer) as identity, refreshing(identity.url) as keys:
        verifier = Verifier(keys, ISSUER)
        await until(lambda: keys.set is not None)
        identity.answer = answer
        asked = identity.asked
        await until(lambda: identity.asked > asked + 2)
        assert await verifier.caller(signer.token())

        newer = Signer()
        identity.answer = newer.keys.as_dict(private=False)
        await until(partial(_takes, verifier, newer.token()))
        with pytest.raises(Unauthenticated):
            await verifier.caller(signer.token())


async def test_keys_are_fetched_as_soon_as_identity_is_there(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "RETRY_S", 0.01)
    async with jwks(signer) as identity:
        good, identity.answer = identity.answer, RuntimeError("not yet")
        async with refreshing(identity.url) as keys:
            await until(lambda: identity.asked > 2)
            assert keys.set is None
            identity.answer = good
            await until(lambda: keys.set is not None)


async def test_a_token_by_a_newer_key_has_the_keys_fetched_and_made_up_ones_have_them_fetched_once(
    signer: Signer,
) -> None:
    newer, stranger = Signer(), Signer()
    async with jwks(signer) as identity:
        keys = Keys(identity.url)
        keys.set = signer.keys
        verifier = Verifier(keys, ISSUER)
        assert await verifier.caller(signer.token())
        assert identity.asked == 0
        identity.answer = {"keys": [*signer.keys.as_dict()["keys"], *newer.keys.as_dict()["keys"]]}
        answers = await asyncio.gather(*(verifier.caller(newer.token()) for _ in range(20)))
        assert {caller.role for caller in answers} == {"guardian"}
        for _ in range(20):
            with pytest.raises(Unauthenticated):
                await verifier.caller(stranger.token())
        assert identity.asked == 1
        assert await verifier.caller(signer.token())


async def _takes(verifier: Verifier, token: str) -> bool:
    try:
        await verifier.caller(token)
    except Unauthenticated:
        return False
    return True
