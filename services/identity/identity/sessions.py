"""Sessions: signing in, and the line of refresh tokens that comes of it."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis.identifiers import new_id
from chassis.problems import Problem
from chassis.tokens import Unauthenticated
from contracts.caller import Caller
from joserfc.jwk import ECKey
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from identity import passwords, second_factor
from identity.models import Account, AccountStatus, Device, SignedIn
from identity.tokens import digest, named_by, refresh_token

#: A line that nobody refreshes for so long ends; and, however it is refreshed, so long after its sign-in.
IDLE, LONGEST = timedelta(days=14), timedelta(days=90)

#: Two tabs refresh with the same token at the same moment. Both get the same successor: refusing the second would sign
#: the family out for no fault. Not for longer, and not once the successor has itself been used.
TWO_TABS = timedelta(seconds=10)


class SignInRefused(Problem):
    type = "urn:problem:identity:sign-in-refused"
    status = 401
    title = "Connexion refusée"
    detail = "Le nom d'utilisateur, le mot de passe ou le code est incorrect : vérifiez-les, puis réessayez."


class NotActivated(Problem):
    type = "urn:problem:identity:not-activated"
    status = 401
    title = "Compte à activer"
    detail = "Suivez d'abord le lien envoyé par courriel pour activer votre compte, ou demandez un nouveau lien."


class SecondFactorRequired(Problem):
    type = "urn:problem:identity:second-factor-required"
    status = 401
    title = "Code nécessaire"
    detail = "Indiquez aussi le code de votre application d'authentification."


async def prove(account: Account | None, password: str, otp: str | None, now: datetime) -> tuple[Account, int | None]:
    """The account whose password and second factor these are, with the TOTP step to use where there is one.

    The same work is done without an account. Raises SignInRefused; and only when the password is right, NotActivated
    or SecondFactorRequired.
    """
    right = await passwords.matches(password, account.password_hash if account else None)
    if account is None or not right:
        raise SignInRefused
    if account.status == AccountStatus.PENDING:
        raise NotActivated
    if account.totp_secret is None:
        return account, None
    if otp is None:
        raise SecondFactorRequired
    step = second_factor.totp_step(account.totp_secret, otp, now)
    if step is None:
        raise SignInRefused
    return account, step


async def device_of(session: AsyncSession, device_token: str) -> Device | None:
    """The enrolled tablet whose token this is."""
    return await session.scalar(select(Device).where(Device.digest == digest(device_token)))


async def prove_pin(account: Account | None, device: Device | None, pin: str) -> Account:
    """The account of site staff whose PIN this is, on a tablet of a site of theirs; the same work without either.

    Raises SignInRefused.
    """
    theirs = (
        account is not None
        and account.status == AccountStatus.ACTIVE
        and device is not None
        and device.site_id in account.site_ids
    )
    right = await passwords.matches(pin, account.pin_hash if account and theirs else None)
    if account is None or not right:
        raise SignInRefused
    return account


async def start(
    session: AsyncSession,
    key: ECKey,
    account: Account,
    now: datetime,
    *,
    step: int | None = None,
    device: Device | None = None,
) -> tuple[UUID, str]:
    """A new line for what was proved: its id and first refresh token. Raises SignInRefused for a TOTP step used before.

    The tablet must still be enrolled when this is committed.
    """
    if step is not None and not await second_factor.use_step(session, account, step):
        raise SignInRefused
    line = SignedIn(
        id=new_id(),
        account_id=account.id,
        device_id=device.id if device else None,
        generation=0,
        rotated_at=now,
        created_at=now,
        expires_at=now + IDLE,
    )
    session.add(line)
    try:
        await session.flush()
    except IntegrityError as error:  # account or tablet is gone since
        raise SignInRefused from error
    return line.id, refresh_token(key, line.id, line.generation)


async def refresh(session: AsyncSession, key: ECKey, token: str, now: datetime) -> tuple[Account, UUID, str] | None:
    """The account, the line and its next refresh token; none where the token is unknown, over or used before.

    An old token used again, other than by two tabs, is in somebody else's hands: its line ends. The line alone is
    locked, as by whoever ends it.
    """
    named = named_by(key, token)
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
        await session.delete(line)
        return None
    return account, line.id, refresh_token(key, line.id, line.generation)


async def refuse_ended(session: AsyncSession, caller: Caller, now: datetime) -> None:
    """Raises Unauthenticated where the session of the caller's token has ended."""
    living = select(SignedIn.id).where(
        SignedIn.id == caller.sid, SignedIn.account_id == caller.sub, SignedIn.expires_at > now
    )
    if await session.scalar(living) is None:
        raise Unauthenticated


async def end(session: AsyncSession, account_id: UUID, session_id: UUID | None) -> None:
    """End the account's session; there may be none any more."""
    await session.execute(delete(SignedIn).where(SignedIn.id == session_id, SignedIn.account_id == account_id))


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    expired = select(SignedIn.id).where(SignedIn.expires_at <= now).with_for_update(skip_locked=True)
    await session.execute(delete(SignedIn).where(SignedIn.id.in_(expired)))


async def account_of(session: AsyncSession, account_id: UUID) -> Account:
    """The caller's own account; raises Unauthenticated where it is no longer there."""
    account = await session.get(Account, account_id)
    if account is None or account.status != AccountStatus.ACTIVE:
        raise Unauthenticated
    return account
