"""An invitation: a mailed link, good for 72 hours and once, by which somebody of the staff takes their account.

They choose a password and give the first code of their second factor. Who lost theirs is invited again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chassis.identifiers import new_id
from chassis.problems import Problem
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import second_factor
from identity.models import Account, AccountStatus, TotpEnrolment
from identity.notices.writing import write
from identity.registrations.models import ActivationLink
from identity.sessions import lines
from identity.tokens import digest, new_secret

LINK_VALID = timedelta(hours=72)


class InvitationGone(Problem):
    """One answer, whether the link was used, replaced, is too old, or never was."""

    type = "urn:problem:identity:invitation-gone"
    status = 410
    title = "Lien périmé"
    detail = "Ce lien a déjà servi ou date de plus de 72 heures : demandez-en un nouveau à l'administrateur."


class NotInvited(Problem):
    type = "urn:problem:identity:not-invited"
    status = 409
    title = "Compte sans lien"
    detail = "Ce compte est fermé, ou s'ouvre par un code PIN sur une tablette : aucun lien ne peut lui être envoyé."


async def invite(session: AsyncSession, account: Account, now: datetime) -> None:
    """A link, and the secret that waits for its first code, in the place of those of before. Raises NotInvited."""
    if account.status == AccountStatus.CLOSED or account.role == "site_staff":
        raise NotInvited
    secret = new_secret()
    if account.status == AccountStatus.PENDING:
        account.activation_expires_at = now + LINK_VALID
    await session.flush()
    await session.execute(delete(ActivationLink).where(ActivationLink.account_id == account.id))
    session.add(ActivationLink(digest=digest(secret), account_id=account.id, expires_at=now + LINK_VALID))
    await second_factor.offer(session, account, now + LINK_VALID)
    await write(
        session,
        notice_id=new_id(),
        account_id=account.id,
        email=account.email,
        title="Votre compte d'agent de l'Espace Familles",
        paragraphs=[
            f"Bonjour {account.first_name} {account.last_name},",
            f"Un administrateur vous invite à ouvrir votre compte (nom d'utilisateur : {account.username})."
            " Munissez-vous d'une application d'authentification, puis suivez le lien ci-dessous pour choisir votre mot"
            " de passe : il est valable 72 heures et ne sert qu'une fois.",
        ],
        link=f"/agent/activation?token={secret}",
        now=now,
    )


async def linked(session: AsyncSession, secret: str, now: datetime) -> tuple[Account, TotpEnrolment]:
    """The account of that link, locked, and the secret that waits. Raises InvitationGone."""
    found = await session.execute(
        select(Account, TotpEnrolment)
        .join(ActivationLink, ActivationLink.account_id == Account.id)
        .join(TotpEnrolment, TotpEnrolment.account_id == Account.id)
        .where(
            ActivationLink.digest == digest(secret),
            ActivationLink.expires_at > now,
            Account.role != "guardian",
            Account.status != AccountStatus.CLOSED,
        )
        .with_for_update(of=Account)
    )
    row = found.one_or_none()
    if row is None:
        raise InvitationGone
    return row[0], row[1]


async def take(session: AsyncSession, secret: str, password_hash: str, code: str, now: datetime) -> Sequence[str]:
    """The account is its owner's, by that password and that second factor alone; its recovery codes.

    Raises InvitationGone, WrongCode.
    """
    account, _ = await linked(session, secret, now)
    # Another may have used it while this one waited for the account.
    used = delete(ActivationLink).where(ActivationLink.account_id == account.id).returning(ActivationLink.digest)
    if digest(secret) not in (await session.scalars(used)).all():
        raise InvitationGone
    # In one statement: nobody of the staff is active without either.
    with session.no_autoflush:
        account.password_hash = password_hash
        codes = await second_factor.enrol(session, account, code, now)
        if account.status == AccountStatus.PENDING:
            account.move(AccountStatus.ACTIVE)
            account.activation_expires_at = None
        else:
            account.version += 1
    await lines.end_all(session, account.id)
    return codes
