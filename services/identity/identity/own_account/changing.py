"""Changing one's own username, password or email: what proves that it is oneself, what ends with it, who is told.

A new email counts once the link mailed there is followed, good for 72 hours and once; the former one is then told.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.database import Database
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed, Problem
from chassis.reach import Reach
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity import accounts, passwords, second_factor
from identity.models import Account, AccountStatus
from identity.names import email_key
from identity.notices.writing import tell, write
from identity.own_account.models import EmailChange, ResetLink
from identity.registrations import credentials
from identity.sessions import lines
from identity.settings import Settings
from identity.throttling.guesses import limits_of, room
from identity.throttling.tries import guess
from identity.tokens import digest, new_secret

LINK_VALID = timedelta(hours=72)


class WrongOwnProof(Malformed):
    """Said of the field: who calls is signed in, and need not sign in again."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(errors=[{"pointer": pointer, "detail": detail}])


def _wrong_password() -> WrongOwnProof:
    return WrongOwnProof("/password", "Ce n'est pas votre mot de passe actuel : vérifiez-le.")


def _wrong_code() -> WrongOwnProof:
    return WrongOwnProof("/otp", "Indiquez un code de votre application d'authentification, ou un code de secours.")


class EmailLinkGone(Problem):
    """One answer, whether the link was used, replaced, is too old, or never was."""

    type = "urn:problem:identity:email-link-gone"
    status = 410
    title = "Lien périmé"
    detail = (
        "Ce lien a déjà servi, a été remplacé ou date de plus de 72 heures : demandez de nouveau le changement de votre"
        " adresse."
    )


@dataclass(frozen=True)
class Proved:
    """An account as it was when its owner proved to be so, and the second factor that is still to be used."""

    account: Account
    second: second_factor.Proof | None = None


async def prove(
    database: Database,
    settings: Settings,
    caller: Reach,
    address: str,
    now: datetime,
    *,
    password: str,
    otp: str | None = None,
    by_both: bool = False,
) -> Proved:
    """The caller's own account, of which this is the password and, `by_both`, the second factor where there is one.

    Tries are counted. Raises Unauthenticated where their session has ended, WrongOwnProof, TooManyTries.
    """
    async with room(address) as hashing:
        async with database.sessions.begin() as session:
            await lines.refuse_ended(session, caller, now)
            account = await lines.account_of(session, caller)
        limits = limits_of(settings, f"own {account.id}", address)
        async with guess(database, limits, WrongOwnProof), hashing:
            if not await passwords.matches(password, account.password_hash):
                raise _wrong_password()
            if not (by_both and account.has_second_factor):
                return Proved(account)
            if otp is None or (second := second_factor.proof(account, otp, now)) is None:
                raise _wrong_code()
            return Proved(account, second)


@asynccontextmanager
async def proved(database: Database, by: Proved) -> AsyncIterator[tuple[AsyncSession, Account]]:
    """A transaction with the account locked, as it was proved, its second factor used.

    Raises WrongOwnProof where it no longer is so.
    """
    async with database.sessions.begin() as session:
        account = await session.get(Account, by.account.id, with_for_update=True)
        if account is None or (account.status, account.password_hash) != (by.account.status, by.account.password_hash):
            raise _wrong_password()
        if by.second is not None and not await second_factor.use(session, account, by.second):
            raise _wrong_code()
        yield session, account


async def change_username(session: AsyncSession, account: Account, username: str, password: str, now: datetime) -> None:
    """Of a locked account with that password: it signs in by that username from now on, and is told.

    Raises Malformed where it is somebody else's, or stands in the password.
    """
    if passwords.holds(password, username):
        detail = "Votre mot de passe contient ce nom d'utilisateur : choisissez-en un autre."
        raise Malformed(errors=[{"pointer": "/username", "detail": detail}])
    if username == account.username:
        return
    await credentials.check(session, username, None, now, own=account)
    await credentials.take_username(session, account, username, now)
    account.version += 1
    await tell(
        session,
        account,
        "Votre nom d'utilisateur a été changé",
        [
            "Le nom d'utilisateur de votre compte Espace Familles vient d'être changé depuis votre compte.",
            "Si ce n'est pas vous, changez aussitôt votre mot de passe et prévenez le guichet.",
        ],
        "/connexion",
        now,
    )


async def change_password(
    session: AsyncSession, account: Account, password_hash: str, how: str, kept: UUID | None, now: datetime
) -> None:
    """Of a locked account: its links and its sessions but the one `kept` are gone, and it is told `how`."""
    account.password_hash = password_hash
    await session.execute(delete(ResetLink).where(ResetLink.account_id == account.id))
    await session.execute(delete(EmailChange).where(EmailChange.account_id == account.id))
    await lines.end_all(session, account.id, but=kept)
    await tell(
        session,
        account,
        "Votre mot de passe a été changé",
        [
            f"Le mot de passe de votre compte Espace Familles vient d'être changé {how}, et vos autres appareils ont"
            " été déconnectés.",
            "Si ce n'est pas vous, demandez aussitôt un nouveau mot de passe (« Mot de passe oublié ») et prévenez le"
            " guichet.",
        ],
        "/connexion",
        now,
    )


async def ask_email(session: AsyncSession, account: Account, email: str, now: datetime) -> None:
    """A link is mailed to the new address; one asked for before is dead."""
    secret = new_secret()
    asked = {"digest": digest(secret), "email": email, "expires_at": now + LINK_VALID}
    kept = insert(EmailChange).values(account_id=account.id, **asked)
    await session.execute(kept.on_conflict_do_update(index_elements=[EmailChange.account_id], set_=asked))
    await write(
        session,
        notice_id=new_id(),
        account_id=account.id,
        email=email,
        title="Confirmez votre nouvelle adresse de courriel",
        paragraphs=[
            f"Bonjour {account.first_name} {account.last_name},",
            "Cette adresse a été indiquée pour votre compte Espace Familles. Pour qu'elle remplace la précédente,"
            " suivez le lien ci-dessous : il est valable 72 heures et ne sert qu'une fois.",
            "Si vous n'avez rien demandé, ne suivez pas ce lien : rien ne change.",
        ],
        link=f"/courriel?token={secret}",
        now=now,
    )


async def confirm_email(session: AsyncSession, secret: str, now: datetime) -> None:
    """The account has the new email, which the other services are told; links mailed to the former one are dead.

    Raises EmailLinkGone.
    """
    account = await session.scalar(
        select(Account)
        .join(EmailChange, EmailChange.account_id == Account.id)
        .where(EmailChange.digest == digest(secret), Account.status == AccountStatus.ACTIVE)
        .with_for_update(of=Account)
    )
    # Another may have used or replaced it while this one waited for the account.
    used = delete(EmailChange).where(EmailChange.digest == digest(secret), EmailChange.expires_at > now)
    email = await session.scalar(used.returning(EmailChange.email))
    if account is None or email is None:
        raise EmailLinkGone
    former, account.email, account.email_key = account.email, email, email_key(email)
    account.version += 1
    await session.execute(delete(ResetLink).where(ResetLink.account_id == account.id))
    if account.role == "guardian":
        await publish(session, accounts.activated(account))
    await write(
        session,
        notice_id=new_id(),
        dossier_id=account.dossier_id,
        email=former,
        title="L'adresse de votre compte a changé",
        paragraphs=[
            f"Bonjour {account.first_name} {account.last_name},",
            f"L'adresse de courriel de votre compte Espace Familles est désormais {email} : nous n'écrirons plus à"
            " celle-ci.",
            "Si ce n'est pas vous, prévenez aussitôt le guichet.",
        ],
        link=None,
        now=now,
    )
