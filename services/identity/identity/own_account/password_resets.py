"""A lost password: a link that is mailed, good for an hour and used once, takes a new one and ends every session."""

from datetime import datetime, timedelta

from chassis.identifiers import new_id
from chassis.problems import Problem
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Account, AccountStatus
from identity.names import email_key
from identity.notices.writing import write
from identity.own_account.changing import change_password
from identity.own_account.models import ResetLink
from identity.tokens import digest, new_secret

LINK_VALID = timedelta(hours=1)


class ResetGone(Problem):
    """One answer, whether the link was used, replaced, is too old, or never was."""

    type = "urn:problem:identity:reset-gone"
    status = 410
    title = "Lien périmé"
    detail = "Ce lien a déjà servi ou date de plus d'une heure : demandez-en un nouveau (« Mot de passe oublié »)."


async def ask(session: AsyncSession, email: str, now: datetime) -> None:
    """A link for each active account of that email that has a password; there may be none.

    No username is in the mail: whoever registered first chose it.
    """
    having = select(Account).where(
        Account.email_key == email_key(email),
        Account.status == AccountStatus.ACTIVE,
        Account.password_hash.is_not(None),
    )
    for account in (await session.scalars(having.order_by(Account.id))).all():
        secret = new_secret()
        session.add(ResetLink(digest=digest(secret), account_id=account.id, expires_at=now + LINK_VALID))
        await write(
            session,
            notice_id=new_id(),
            account_id=account.id,
            email=account.email,
            title="Choisissez un nouveau mot de passe",
            paragraphs=[
                f"Bonjour {account.first_name} {account.last_name},",
                "Un nouveau mot de passe a été demandé pour votre compte Espace Familles. Pour le choisir, suivez le"
                " lien ci-dessous : il est valable une heure et ne sert qu'une fois. Vous serez ensuite déconnecté de"
                " tous vos appareils.",
                "Si vous n'avez rien demandé, ne suivez pas ce lien : votre mot de passe reste le même.",
            ],
            link=f"/mot-de-passe?token={secret}",
            now=now,
        )


async def linked(session: AsyncSession, secret: str, now: datetime) -> tuple[Account, ResetLink]:
    """The account of that link, locked, and the link. Raises ResetGone."""
    found = await session.execute(
        select(Account, ResetLink)
        .join(ResetLink, ResetLink.account_id == Account.id)
        .where(ResetLink.digest == digest(secret), ResetLink.expires_at > now, Account.status == AccountStatus.ACTIVE)
        .with_for_update(of=Account)
    )
    row = found.one_or_none()
    if row is None:
        raise ResetGone
    return row[0], row[1]


async def replace(session: AsyncSession, secret: str, password_hash: str, now: datetime) -> Account:
    """The account, whose password is replaced: its links and its sessions are gone, and it is told by mail.

    Raises ResetGone.
    """
    account, _ = await linked(session, secret, now)
    # Another may have used it while this one waited for the account.
    used = delete(ResetLink).where(ResetLink.account_id == account.id).returning(ResetLink.digest)
    if digest(secret) not in (await session.scalars(used)).all():
        raise ResetGone
    await change_password(session, account, password_hash, "par un lien reçu à cette adresse", None, now)
    return account
