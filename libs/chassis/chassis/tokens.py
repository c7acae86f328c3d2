"""Access tokens: ES256, verified by each service itself with identity's public keys."""

import asyncio
from datetime import datetime
from time import monotonic
from uuid import UUID

import aiohttp
import structlog
from contracts.caller import AUDIENCE, TOKEN_TYPE
from fastapi import Request
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from pydantic import ValidationError

from chassis import clock
from chassis.problems import Problem, Unavailable
from chassis.reach import Reach
from chassis.trouble import said

log = structlog.get_logger()

REFRESH_S = 300.0
RETRY_S = 0.5
#: So far apart the set is fetched for keys that are not in it: whoever makes some up fetches nothing more.
SEEK_S = 5.0
CACHE_SIZE = 10_000
#: How far identity's clock may run ahead of ours.
CLOCK_SKEW_S = 30


class Unauthenticated(Problem):
    type = "urn:problem:unauthenticated"
    status = 401
    title = "Connexion nécessaire"
    detail = "Votre session est absente, incorrecte ou terminée : connectez-vous."


class _UnknownKey(Unauthenticated):
    """Its key may be newer than those we have."""


class Keys:
    """Identity's public keys: refreshed in the background, the last good set kept."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.set: KeySet | None = None
        self._fetching, self._fetched_s = asyncio.Lock(), -SEEK_S

    async def refresh(self) -> None:
        """For ever: fetch the set again, sooner while there is none."""
        while True:
            await self._fetch()
            await asyncio.sleep(REFRESH_S if self.set else RETRY_S)

    async def seek(self) -> None:
        """Fetch the set again for a key that is not in it, unless that was done just before."""
        async with self._fetching:
            if monotonic() - self._fetched_s >= SEEK_S:
                await self._fetch()

    async def _fetch(self) -> None:
        self._fetched_s = monotonic()
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client,
                client.get(self.url, raise_for_status=True) as answer,
            ):
                self.set = KeySet.import_key_set(await answer.json())
        except Exception as error:  # whatever is answered there, the last good set is kept
            log.warning("keys_not_refreshed", error=said(error))


class Verifier:
    """Turns a bearer token into its caller; a token verified once is known until it expires.

    `revoked`: the sessions and programs whose tokens are no longer taken.
    """

    def __init__(self, keys: Keys, issuer: str) -> None:
        self.keys, self.issuer = keys, issuer
        self.revoked: frozenset[UUID] = frozenset()
        self._known: dict[str, tuple[Reach, float]] = {}

    async def caller(self, token: str) -> Reach:
        """Raises Unauthenticated, or Unavailable while no key was ever fetched."""
        try:
            return self._caller(token)
        except _UnknownKey:
            await self.keys.seek()
            return self._caller(token)

    def _caller(self, token: str) -> Reach:
        now = clock.now()
        caller, expires = self._known.get(token) or self._verify(token, now)
        if expires <= now.timestamp():
            self._known.pop(token, None)
            raise Unauthenticated
        if self.revoked and (caller.sid or caller.sub) in self.revoked:
            raise Unauthenticated
        return caller

    def _verify(self, token: str, now: datetime) -> tuple[Reach, float]:
        if self.keys.set is None:
            raise Unavailable(retry_after_s=1)
        claims = JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=CLOCK_SKEW_S,  # for `iat`: the end of a token is held to the second by caller()
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            decoded = jwt.decode(token, self.keys.set, algorithms=["ES256"])
            if decoded.header.get("typ") != TOKEN_TYPE:
                raise Unauthenticated
            claims.validate(decoded.claims)
            verified = Reach.model_validate(decoded.claims), float(decoded.claims["exp"])
        except InvalidKeyIdError as error:
            raise _UnknownKey from error
        except (JoseError, ValidationError, ValueError, TypeError) as error:
            raise Unauthenticated from error
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[token] = verified
        return verified


async def bearer(request: Request) -> Reach:
    """The caller of the request's bearer token, verified."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    verifier: Verifier = request.app.state.verifier
    return await verifier.caller(token)
