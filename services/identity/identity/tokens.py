"""What opens a door: access tokens that every service verifies, and secrets of which only the digest is kept."""

import base64
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.caller import AUDIENCE, TOKEN_TYPE, Caller
from joserfc import jwt
from joserfc.jwk import ECKey

ACCESS_VALID = timedelta(minutes=10)


def new_secret() -> str:
    """256 random bits, fit for a link."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is kept of a secret: it is random enough that a fast hash cannot be turned back."""
    return hashlib.sha256(secret.encode()).digest()


def signing_key(jwk: str) -> ECKey:
    """The key of that JWK JSON, with a `kid`; raises JoseError or ValueError unless it can sign ES256."""
    key = ECKey.import_key(json.loads(jwk))
    if not key.is_private or key.curve_name != "P-256":
        raise ValueError(jwk)
    key.ensure_kid()
    return key


def derived_key(key: ECKey, purpose: str) -> bytes:
    """A secret of ours for that purpose alone, which nobody has who has not the signing key."""
    return hmac.digest(str(key.as_dict(private=True)["d"]).encode(), purpose.encode(), "sha256")


def refresh_token(key: ECKey, session_id: UUID, generation: int) -> str:
    """The session's refresh token of that generation: nothing of it need be kept, and every old one is known again."""
    named = session_id.bytes + generation.to_bytes(4, "big")
    signed = hmac.digest(derived_key(key, "refresh tokens"), named, "sha256")
    return base64.urlsafe_b64encode(named + signed).decode().rstrip("=")


def named_by(key: ECKey, token: str) -> tuple[UUID, int] | None:
    """The session and the generation of a refresh token of ours; none of any other text."""
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        session_id, generation = UUID(bytes=decoded[:16]), int.from_bytes(decoded[16:20], "big")
    except ValueError:
        return None
    if not hmac.compare_digest(refresh_token(key, session_id, generation).encode(), token.encode()):
        return None
    return session_id, generation


def public_jwk(key: ECKey) -> dict[str, Any]:
    """The public half, as services fetch it."""
    return key.as_dict(private=False) | {"kid": key.kid, "use": "sig", "alg": "ES256"}


def access_token(key: ECKey, issuer: str, now: datetime, caller: Caller) -> str:
    """A signed token in the profile of RFC 9068, good for ten minutes; what does not apply is left out."""
    issued = int(now.timestamp())
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "iat": issued,
        "exp": issued + int(ACCESS_VALID.total_seconds()),
        "jti": secrets.token_hex(16),
    }
    claims |= {name: value for name, value in caller.model_dump(mode="json").items() if value}
    return jwt.encode({"alg": "ES256", "typ": TOKEN_TYPE, "kid": key.kid}, claims, key, algorithms=["ES256"])
