"""The keys that sign access tokens: which one signs, which are published, and how the next takes over.

A new key is published for ten minutes before it signs, and an old one for as long after as what it signed is good: no
service meets a token whose key it could not have fetched.
"""

import json
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from chassis import clock
from chassis.database import Database, fetch
from chassis.law import AT_ONCE, impersonal
from chassis.schema import may
from contracts.caller import ACCESS_VALID, Caller
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from identity import tokens
from identity.models import Base
from identity.settings import Settings
from identity.tokens import derived_key

#: Twice as long as a service keeps the keys it has fetched.
PUBLISHED_BEFORE = timedelta(minutes=10)
#: For clocks that differ, past the last token that an old key has signed.
MARGIN = timedelta(minutes=5)
_ALGORITHMS = ["dir", "A256GCM"]
_NEWEST = "SELECT sealed FROM signing_keys WHERE signs_from <= $1 ORDER BY signs_from DESC LIMIT 1"


class SigningKey(Base):
    """A private key, sealed: it signs from `signs_from` on until the next does, and is published until `ends_at`."""

    __tablename__ = "signing_keys"
    __table_args__ = may("UPDATE", law=impersonal(("ends_at", AT_ONCE)))

    kid: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str]
    signs_from: Mapped[datetime]
    ends_at: Mapped[datetime | None]


async def signing(session: AsyncSession, secret: bytes, now: datetime) -> ECKey:
    """The key that signs now."""
    newest = await fetch(session, _NEWEST, now)
    return _opened(secret, newest[0]["sealed"]) if newest else await _first(session, secret, now)


async def access_token(session: AsyncSession, settings: Settings, caller: Caller, now: datetime) -> str:
    """Who calls, signed by the key that signs now."""
    return tokens.access_token(await signing(session, settings.secret, now), settings.token_issuer, now, caller)


async def published(session: AsyncSession, secret: bytes, now: datetime) -> Sequence[ECKey]:
    """Those by which a token of ours may be signed, or soon will be."""
    living = select(SigningKey.sealed).where(or_(SigningKey.ends_at.is_(None), SigningKey.ends_at > now))
    keys = [_opened(secret, one) for one in await session.scalars(living.order_by(SigningKey.signs_from))]
    return keys or [await _first(session, secret, now)]


async def rotate(database: Database, settings: Settings) -> str:
    """Make the key that will sign next, and say when it does. Twice at once, or again before that, makes one."""
    now = clock.now()
    async with database.sessions.begin() as session:
        # Who only reads a key goes on.
        await session.execute(text("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE"))
        coming = await session.scalar(select(SigningKey).where(SigningKey.signs_from > now))
        if coming is None:
            await published(session, settings.secret, now)  # a first one, where nobody has asked for it yet
            signs_from = now + PUBLISHED_BEFORE
            ends_at = signs_from + ACCESS_VALID + MARGIN
            await session.execute(update(SigningKey).where(SigningKey.ends_at.is_(None)).values(ends_at=ends_at))
            coming = await add(session, settings.secret, new_key(secrets.token_hex(8)), signs_from)
    return f"The key {coming.kid} is published, and signs from {coming.signs_from:%Y-%m-%d %H:%M:%S} UTC on."


def new_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


async def add(session: AsyncSession, secret: bytes, key: ECKey, signs_from: datetime) -> SigningKey:
    """Keep a key that signs from then on; where there is one of its id already, that stays."""
    content = json.dumps(key.as_dict(private=True)).encode()
    header = {"alg": "dir", "enc": "A256GCM"}
    sealed = jwe.encrypt_compact(header, content, _sealing(secret), algorithms=_ALGORITHMS)
    kept = insert(SigningKey).values(kid=key.kid, sealed=sealed, signs_from=signs_from)
    await session.execute(kept.on_conflict_do_nothing())
    return await session.get_one(SigningKey, key.kid)


async def _first(session: AsyncSession, secret: bytes, now: datetime) -> ECKey:
    # Of one name, so that of many who need it at once one makes it.
    kept = await add(session, secret, new_key("first"), now)
    return _opened(secret, kept.sealed)


def _sealing(secret: bytes) -> OctKey:
    return OctKey.import_key(derived_key(secret, "signing keys"))


@lru_cache(maxsize=8)
def _opened(secret: bytes, sealed: str) -> ECKey:
    opened = jwe.decrypt_compact(sealed, _sealing(secret), algorithms=_ALGORITHMS)
    return ECKey.import_key(json.loads(opened.plaintext or b""))
