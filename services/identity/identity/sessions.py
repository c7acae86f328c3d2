"""Sessions: signing in, and the line of refresh tokens that comes of it."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis.identifiers import new_id
from chassis.problems import Problem
from chassis.tokens import Unauthenticated
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import passwords, second_factor
from identity.models import Account, AccountStatus, RefreshToken, SignedIn
from identity.tokens import digest, new_secret

#: A line that nobody refreshes for so long ends.
IDLE = timedelta(days=14)

#: Two tabs refresh with the same token at the same moment. Both get a pair of the same line: refusing the second would
#: sign the family out for no fault. Not for longer, and not once one of the two pairs has itself been used.
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
    detail = "Indiquez aussi le code de votre application d'authentification, ou votre code PIN."


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
    if account.totp_secret is None and account.pin_hash is None:
        return account, None
    if otp is None:
        raise SecondFactorRequired
    if account.totp_secret is None:
        if not await passwords.matches(otp, account.pin_hash):
            raise SignInRefused
        return account, None
    step = second_factor.totp_step(account.totp_secret, otp, now)
    if step is None:
        raise SignInRefused
    return account, step


async def start(session: AsyncSession, account: Account, totp_step: int | None, now: datetime) -> tuple[UUID, str]:
    """A new line for what was proved: its id and first refresh token. Raises SignInRefused for a step used before."""
    if totp_step is not None and not await second_factor.use_step(session, account, totp_step):
        raise SignInRefused
    line = SignedIn(id=new_id(), account_id=account.id, created_at=now, expires_at=now + IDLE)
    session.add(line)
    await session.flush()
    return line.id, _new_token(session, line)


async def refresh(session: AsyncSession, token: str, now: datetime) -> tuple[Account, UUID, str] | None:
    """The account, the line and its next refresh token; none where the token is unknown, over or used before.

    An old token used again, other than by two tabs, is in somebody else's hands: its line ends.
    """
    found = (
        await session.execute(
            select(RefreshToken, SignedIn, Account)
            .join(SignedIn, SignedIn.id == RefreshToken.session_id)
            .join(Account, Account.id == SignedIn.account_id)
            .where(
                RefreshToken.digest == digest(token), SignedIn.expires_at > now, Account.status == AccountStatus.ACTIVE
            )
            .with_for_update(of=[RefreshToken, SignedIn])
        )
    ).one_or_none()
    if found is None:
        return None
    used, line, account = found
    if used.rotated_at is not None and not await _by_two_tabs(session, used, used.rotated_at, now):
        await session.delete(line)
        return None
    used.rotated_at = used.rotated_at or now
    line.expires_at = now + IDLE
    return account, line.id, _new_token(session, line)


async def _by_two_tabs(session: AsyncSession, used: RefreshToken, rotated_at: datetime, now: datetime) -> bool:
    later = select(RefreshToken.digest).where(
        RefreshToken.session_id == used.session_id, RefreshToken.rotated_at > rotated_at
    )
    return now - rotated_at <= TWO_TABS and (await session.scalar(later.limit(1))) is None


def _new_token(session: AsyncSession, line: SignedIn) -> str:
    token = new_secret()
    session.add(RefreshToken(digest=digest(token), session_id=line.id))
    return token


async def end(session: AsyncSession, account_id: UUID, session_id: UUID | None) -> None:
    """End the account's session; there may be none any more."""
    await session.execute(delete(SignedIn).where(SignedIn.id == session_id, SignedIn.account_id == account_id))


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(SignedIn).where(SignedIn.expires_at <= now))


async def account_of(session: AsyncSession, account_id: UUID) -> Account:
    """The caller's own account; raises Unauthenticated where it is no longer there."""
    account = await session.get(Account, account_id)
    if account is None or account.status != AccountStatus.ACTIVE:
        raise Unauthenticated
    return account
