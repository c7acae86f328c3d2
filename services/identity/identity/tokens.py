"""What opens a door: access tokens that every service verifies, and secrets of which only the digest is kept."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.caller import ACCESS_VALID, AUDIENCE, TOKEN_TYPE, Caller
from joserfc import jwt
from joserfc.jwk import ECKey


def new_secret() -> str:
    """256 random bits, fit for a link."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is kept of a secret: it is random enough that a fast hash cannot be turned back."""
    return hashlib.sha256(secret.encode()).digest()


def derived_key(secret: bytes, purpose: str) -> bytes:
    """256 bits for that purpose alone, which nobody has who has not the service's secret."""
    return hmac.digest(secret, purpose.encode(), "sha256")


def refresh_token(secret: bytes, session_id: UUID, generation: int) -> str:
    """The session's refresh token of that generation: nothing of it need be kept, and every old one is known again."""
    named = session_id.bytes + generation.to_bytes(4, "big")
    signed = hmac.digest(derived_key(secret, "refresh tokens"), named, "sha256")
    return base64.urlsafe_b64encode(named + signed).decode().rstrip("=")


def named_by(secret: bytes, token: str) -> tuple[UUID, int] | None:
    """The session and the generation of a refresh token of ours; none of any other text."""
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        session_id, generation = UUID(bytes=decoded[:16]), int.from_bytes(decoded[16:20], "big")
    except ValueError:
        return None
    if not hmac.compare_digest(refresh_token(secret, session_id, generation).encode(), token.encode()):
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
