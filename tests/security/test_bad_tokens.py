"""Each service refuses bad tokens by itself, behind the gateway or not."""

import base64
import hmac
import json
from typing import Any

import aiohttp
import pytest
from chassis.identifiers import new_id
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local.stack import Stack
from tests.actors import PROTECTED, Clock, Family, signing_key


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bad_tokens(stack: Stack, good: str, now: float) -> dict[str, str]:
    """Every token that must not pass, made from one that does."""
    key = signing_key(stack)
    head, body, signature = good.split(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))

    def signed(*, by: ECKey = key, header_change: dict[str, Any] | None = None, **changes: Any) -> str:
        changed = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(header | (header_change or {}), changed, by)

    def by_public_key() -> str:
        """HS256, with what everybody may know as the secret."""
        public = key.as_pem(private=False)
        unsigned = f"{encoded(header | {'alg': 'HS256'})}.{body}"
        return f"{unsigned}.{encoded(hmac.digest(public, unsigned.encode(), 'sha256'))}"

    flipped = "A" if signature[10] != "A" else "B"
    return {
        "no token": "",
        "garbage": "a.b.c",
        "signature altered": f"{head}.{body}.{signature[:10]}{flipped}{signature[11:]}",
        "claims altered": f"{head}.{encoded(claims | {'role': 'agent'})}.{signature}",
        "another key": signed(by=ECKey.generate_key("P-256"), header_change={}),
        "alg none": f"{encoded(header | {'alg': 'none'})}.{body}.",
        "HS256 by the public key": by_public_key(),
        "audience": signed(aud="another"),
        "no audience": signed(aud=None),
        "issuer": signed(iss="https://elsewhere.example"),
        "type": signed(header_change={"typ": "JWT"}),
        "age": signed(exp=int(now) - 1, iat=int(now) - 700),
        "no end": signed(exp=None),
        "no subject": signed(sub=None),
    }


@pytest.mark.parametrize("service", PROTECTED)
async def test_bad_tokens_are_refused(stack: Stack, family: Family, service: str) -> None:
    good = str(family.portal.token)
    async with aiohttp.ClientSession() as client:

        async def status(base: str, token: str, **headers: str) -> int:
            bearer = {"Authorization": f"Bearer {token}"} if token else {}
            async with client.get(base + PROTECTED[service], headers=bearer | headers) as answer:
                return answer.status

        for base in (stack.services[service], f"{stack.gateway}/api/{service}"):
            assert await status(base, good) == 200
            for name, token in bad_tokens(stack, good, Clock(stack).now().timestamp()).items():
                assert await status(base, token) == 401, name
        # What a proxy might have said of the caller counts for nothing.
        spoofed = {"X-User": str(new_id()), "X-Dossier-Id": family.dossier_id, "X-Forwarded-User": "martin"}
        assert await status(stack.services[service], "", **spoofed) == 401
