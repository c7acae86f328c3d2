"""One's own second factor: taken, given up, its recovery codes renewed; each told by mail."""

from collections.abc import Sequence
from datetime import datetime

from chassis.problems import Problem
from chassis.reach import Reach
from chassis.tokens import Unauthenticated
from sqlalchemy.ext.asyncio import AsyncSession

from identity import second_factor
from identity.models import Account, AccountStatus
from identity.notices.writing import tell
from identity.sessions import lines


class NoSecondFactor(Problem):
    type = "urn:problem:identity:no-second-factor"
    status = 409
    title = "Pas de double authentification"
    detail = "Activez d'abord la double authentification : ses codes de secours vous seront donnés."


async def enrol(session: AsyncSession, caller: Reach, code: str, now: datetime) -> Sequence[str]:
    """The recovery codes of the second factor that the caller has from now on; their other sessions end.

    Raises WrongCode.
    """
    account = await session.get(Account, caller.sub, with_for_update=True)
    if account is None or account.status != AccountStatus.ACTIVE:
        raise Unauthenticated
    codes = await second_factor.enrol(session, account, code, now)
    await lines.end_all(session, account.id, but=caller.sid)
    await _tell(session, account, "est activée", "Un code de votre application sera demandé à chaque connexion.", now)
    return codes


async def drop(session: AsyncSession, account: Account, now: datetime) -> None:
    """Of a locked account, which may well have none."""
    if account.has_second_factor:
        await second_factor.drop(session, account)
        await _tell(session, account, "est désactivée", "Votre mot de passe seul est désormais demandé.", now)


async def renew_codes(session: AsyncSession, account: Account) -> Sequence[str]:
    """Raises NoSecondFactor."""
    if not account.has_second_factor:
        raise NoSecondFactor
    return await second_factor.renew_codes(session, account)


async def _tell(session: AsyncSession, account: Account, what: str, sentence: str, now: datetime) -> None:
    await tell(
        session,
        account,
        f"La double authentification {what}",
        [
            f"La double authentification de votre compte Espace Familles {what}. {sentence}",
            "Si ce n'est pas vous, changez aussitôt votre mot de passe et prévenez le guichet.",
        ],
        "/connexion",
        now,
    )
