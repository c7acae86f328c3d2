"""Lines of sessions: the refresh tokens that come of a sign-in, one after the other, until the line ends."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from asyncpg.exceptions import ForeignKeyViolationError
from chassis.database import fetch
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import NotFound
from chassis.reach import Reach
from chassis.tokens import Unauthenticated
from contracts.identity import AccessRevoked
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import accounts, second_factor, signing
from identity.models import Account, AccountStatus
from identity.sessions.models import Device, SignedIn
from identity.sessions.proofs import SignInRefused
from identity.settings import Settings
from identity.tokens import named_by, refresh_token

#: A line that nobody refreshes for so long ends; and, however it is refreshed, so long after its sign-in.
IDLE, LONGEST = timedelta(days=14), timedelta(days=90)

#: Two tabs refresh with the same token at the same moment. Both get the same successor: refusing the second would sign
#: the family out for no fault. Not for longer, and not once the successor has itself been used.
TWO_TABS = timedelta(seconds=10)

# Whoever replaces a password locks the account, then ends its sessions: none begins by the old one meanwhile.
_START = """
    INSERT INTO sessions (id, account_id, device_id, generation, rotated_at, created_at, expires_at)
    SELECT $1, id, $3, 0, $4, $4, $5 FROM accounts
    WHERE id = $2 AND status = 'active' AND password_hash IS NOT DISTINCT FROM $6
      AND pin_hash IS NOT DISTINCT FROM $7 AND totp_secret IS NOT DISTINCT FROM $8
    FOR SHARE
    RETURNING id
"""


class Granted(NamedTuple):
    """What a line's owner calls with from now on."""

    access_token: str
    refresh_token: str


async def start(
    session: AsyncSession,
    settings: Settings,
    account: Account,
    now: datetime,
    *,
    second: second_factor.Proof | None = None,
    device: Device | None = None,
) -> Granted:
    """A new line for what was proved. Raises SignInRefused for a second factor used before.

    The tablet must still be enrolled when this is committed, and the account as it was when it was proved.
    """
    if second is not None and not await second_factor.use(session, account, second):
        raise SignInRefused
    line = SignedIn(id=new_id(), account_id=account.id, generation=0)
    device_id = device.id if device else None
    proofs = (account.password_hash, account.pin_hash, account.totp_secret)
    try:
        begun = await fetch(session, _START, line.id, account.id, device_id, now, now + IDLE, *proofs)
    except ForeignKeyViolationError as error:  # account or tablet is gone since
        raise SignInRefused from error
    if not begun:
        raise SignInRefused
    return await _granted(session, settings, account, line, now)


async def refresh(session: AsyncSession, settings: Settings, token: str, now: datetime) -> Granted | None:
    """The next refresh token of that one's line; none where the token is unknown, over or used before.

    An old token used again, other than by two tabs, is in somebody else's hands: its line ends. The line alone is
    locked, as by whoever ends it.
    """
    named = named_by(settings.secret, token)
    if named is None:
        return None
    session_id, generation = named
    line = await session.scalar(
        select(SignedIn).where(SignedIn.id == session_id, SignedIn.expires_at > now).with_for_update()
    )
    account = await session.get(Account, line.account_id) if line else None
    if line is None or account is None or account.status != AccountStatus.ACTIVE:
        return None
    # A newer one than we know of is ours as well: a database restored from yesterday's backup has forgotten it.
    if generation >= line.generation:
        line.generation, line.rotated_at = generation + 1, now
        line.expires_at = min(now + IDLE, line.created_at + LONGEST)
    elif generation != line.generation - 1 or now - line.rotated_at > TWO_TABS:
        await _end(session, SignedIn.id == line.id)
        return None
    return await _granted(session, settings, account, line, now)


async def _granted(
    session: AsyncSession, settings: Settings, account: Account, line: SignedIn, now: datetime
) -> Granted:
    access_token = await signing.access_token(session, settings, accounts.caller(account, line.id), now)
    return Granted(access_token, refresh_token(settings.secret, line.id, line.generation))


async def refuse_ended(session: AsyncSession, caller: Reach, now: datetime) -> None:
    """Raises Unauthenticated where the session of the caller's token has ended."""
    living = select(SignedIn.id).where(
        SignedIn.id == caller.sid, SignedIn.account_id == caller.sub, SignedIn.expires_at > now
    )
    if await session.scalar(living) is None:
        raise Unauthenticated


async def end(session: AsyncSession, caller: Reach) -> None:
    """End the caller's own session; there may be none any more."""
    await _end(session, SignedIn.id == caller.sid, SignedIn.account_id == caller.sub)


async def end_all(session: AsyncSession, account_id: UUID, *, but: UUID | None = None) -> None:
    """End every session but that one of an account that the caller has locked: none begins meanwhile."""
    await _end(session, SignedIn.account_id == account_id, *([SignedIn.id != but] if but else []))


async def end_on(session: AsyncSession, device: Device) -> None:
    """End every session on a tablet that the caller has locked."""
    await _end(session, SignedIn.device_id == device.id)


async def living(session: AsyncSession, caller: Reach, now: datetime) -> Sequence[SignedIn]:
    """The caller's sessions, the one used last first."""
    found = select(SignedIn).where(SignedIn.account_id == caller.sub, SignedIn.expires_at > now)
    return (await session.scalars(found.order_by(SignedIn.rotated_at.desc(), SignedIn.id.desc()))).all()


async def end_one(session: AsyncSession, caller: Reach, session_id: UUID) -> None:
    """End one of the caller's sessions. Raises NotFound."""
    if not await _end(session, SignedIn.id == session_id, SignedIn.account_id == caller.sub):
        raise NotFound


async def _end(session: AsyncSession, *which: ColumnElement[bool]) -> bool:
    """Whether there were any. Every service is told, so that none takes their tokens any more."""
    ended = (await session.scalars(delete(SignedIn).where(*which).returning(SignedIn.id))).all()
    await publish(session, *(AccessRevoked(access_id=one, version=1) for one in sorted(ended)))
    return bool(ended)


async def account_of(session: AsyncSession, caller: Reach) -> Account:
    """The caller's own account; raises Unauthenticated where it is no longer there."""
    account = await session.get(Account, caller.sub)
    if account is None or account.status != AccountStatus.ACTIVE:
        raise Unauthenticated
    return account
