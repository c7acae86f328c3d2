"""Activation: a link that is mailed, good for 72 hours and used once, makes a pending account an active one.

The mail has the dossier's own words, and the guardian who did not choose the password chooses one by the link.
"""

from datetime import datetime, timedelta

from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Problem
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import accounts
from identity.models import Account, AccountStatus
from identity.names import email_key
from identity.notices.writing import write
from identity.registrations.credentials import flush
from identity.registrations.models import ActivationLink
from identity.tokens import digest, new_secret

LINK_VALID = timedelta(hours=72)


class LinkGone(Problem):
    """One answer, whether the link was used, replaced, is too old, or never was."""

    type = "urn:problem:identity:link-gone"
    status = 410
    title = "Lien périmé"
    detail = (
        "Ce lien a déjà servi ou date de plus de 72 heures : connectez-vous si votre compte est actif, sinon demandez"
        " un nouveau lien ou recommencez votre inscription."
    )


class WrongPassword(Problem):
    type = "urn:problem:identity:wrong-password"
    status = 401
    title = "Mot de passe incorrect"
    detail = (
        "Ce mot de passe n'est pas celui qui a été choisi à l'inscription : vérifiez-le, ou choisissez-en un nouveau."
    )


async def send_link(session: AsyncSession, account: Account, now: datetime) -> None:
    """A new link beside the older ones: only its digest is kept, and the mail's text until it is sent.

    No word of who registered is in the mail, not even the username.
    """
    secret = new_secret()
    account.activation_expires_at = now + LINK_VALID
    session.add(ActivationLink(digest=digest(secret), account_id=account.id, expires_at=now + LINK_VALID))
    await write(
        session,
        notice_id=new_id(),
        account_id=account.id,
        email=account.email,
        title="Activez votre compte Espace Familles",
        paragraphs=[
            f"Bonjour {account.first_name} {account.last_name},",
            "Un compte Espace Familles a été demandé pour vous. Pour l'activer, suivez le lien ci-dessous, puis"
            " indiquez le mot de passe choisi lors de l'inscription : le lien est valable 72 heures et ne sert qu'une"
            " fois.",
            "Si une autre personne a fait cette demande, ou si vous ne connaissez pas ce mot de passe, choisissez-en"
            " un nouveau sur la page du lien : il remplace le premier, et vous seul pourrez vous connecter.",
            "Si vous ne souhaitez pas de compte, ne suivez pas ce lien : la demande sera effacée au bout de 72 heures.",
        ],
        link=f"/activation?token={secret}",
        now=now,
    )


async def resend(session: AsyncSession, email: str, now: datetime) -> None:
    """Another link for each registration still waiting under that email; there may be none."""
    waiting = (
        select(Account)
        .where(
            Account.email_key == email_key(email),
            Account.role == "guardian",
            Account.status == AccountStatus.PENDING,
            Account.activation_expires_at > now,
        )
        .order_by(Account.id)
        .with_for_update()
    )
    for account in (await session.scalars(waiting)).all():
        await send_link(session, account, now)


async def linked(session: AsyncSession, secret: str, now: datetime) -> Account:
    """The pending account of that link. Raises LinkGone."""
    account = await session.scalar(
        select(Account)
        .join(ActivationLink, ActivationLink.account_id == Account.id)
        .where(
            ActivationLink.digest == digest(secret),
            ActivationLink.expires_at > now,
            Account.role == "guardian",
            Account.status == AccountStatus.PENDING,
        )
        .with_for_update(of=Account)
    )
    if account is None:
        raise LinkGone
    return account


async def activate(session: AsyncSession, account: Account) -> None:
    """The pending account, by the link that was just found, becomes active. Its links are gone.

    Raises AlreadyRegistered: one active account a guardian.
    """
    account.move(AccountStatus.ACTIVE)
    account.activation_expires_at = None
    await flush(session, accounts.AlreadyRegistered())
    await session.execute(delete(ActivationLink).where(ActivationLink.account_id == account.id))
    await publish(session, accounts.activated(account))
