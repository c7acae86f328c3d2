"""The username and the password that somebody chooses; a username is free again the second its registration is over."""

from datetime import datetime, timedelta

from chassis.problems import Malformed, Problem
from sqlalchemy import ColumnElement, and_, delete, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from identity import passwords
from identity.models import Account, AccountStatus, Town
from identity.names import username_key
from identity.notices.models import Notice

#: A suspended account is erased after so long.
SUSPENDED_KEPT = timedelta(days=30)

_USERNAME_TAKEN = {"pointer": "/username", "detail": "Ce nom d'utilisateur est déjà pris : choisissez-en un autre."}


async def check(
    session: AsyncSession,
    username: str | None,
    password: str | None,
    now: datetime,
    *,
    own: Account | None = None,
    pointer: str = "/password",
) -> None:
    """Raises Malformed, naming the rules that username or password (at that pointer) break.

    `own` is the account that has a username already, and keeps it where none is given.
    """
    named = username or (own.username if own else None)
    broken = passwords.refusals(password, named, await _policy(session)) if password else []
    errors = [{"pointer": pointer, "detail": detail} for detail in broken]
    others = Account.id != (own.id if own else None)
    if username and await session.scalar(select(Account.id).where(_holding(username), ~_over(now), others)):
        errors.append(_USERNAME_TAKEN)
    if errors:
        raise Malformed(errors=errors)


async def take_username(session: AsyncSession, account: Account, username: str, now: datetime) -> None:
    """The account, new or not, has the username from now on. Raises Malformed where somebody took it meanwhile."""
    await _purge(session, _holding(username), now)
    account.username, account.username_key = username, username_key(username)
    session.add(account)
    await flush(session, Malformed(errors=[_USERNAME_TAKEN]))


async def flush(session: AsyncSession, taken: Problem) -> None:
    """Raises `taken` where somebody else has it since it was looked up."""
    try:
        await session.flush()
    except IntegrityError as error:
        raise taken from error


async def purge(session: AsyncSession, now: datetime) -> None:
    """Erase what is over, with what was still to be sent to it."""
    await _purge(session, true(), now)


async def _purge(session: AsyncSession, whose: ColumnElement[bool], now: datetime) -> None:
    over = select(Account.id).where(whose, _over(now)).with_for_update(skip_locked=True)
    gone = (await session.scalars(delete(Account).where(Account.id.in_(over)).returning(Account.id))).all()
    await session.execute(delete(Notice).where(Notice.account_id.in_(gone)))


def _holding(username: str) -> ColumnElement[bool]:
    return Account.username_key == username_key(username)


def _over(now: datetime) -> ColumnElement[bool]:
    """Registrations whose links are all over, and accounts suspended long ago, purged or not yet."""
    return or_(
        and_(Account.status == AccountStatus.PENDING, Account.activation_expires_at <= now),
        and_(Account.status == AccountStatus.SUSPENDED, Account.suspended_at <= now - SUSPENDED_KEPT),
    )


async def _policy(session: AsyncSession) -> passwords.Policy:
    # A town that has not chosen yet has the stronger one.
    town = await session.get(Town, True)
    return town.password_policy if town else "cnil"
