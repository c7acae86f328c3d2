"""Registrations: from a claim to an active account, by a link that is mailed, good for 72 hours and used once."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed, Problem
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from identity import accounts, claims, legal, notices, passwords
from identity.models import Account, AccountStatus, Notice, Town, move
from identity.names import email_key, username_key
from identity.tokens import digest, new_secret

LINK_VALID = timedelta(hours=72)

_USERNAME_TAKEN = {"pointer": "/username", "detail": "Ce nom d'utilisateur est déjà pris : choisissez-en un autre."}
_OTHER_EMAIL = {
    "pointer": "/email",
    "detail": "Ce courriel n'est pas celui de votre dossier : indiquez le même, ou demandez un rattachement.",
}
_OUTDATED: Mapping[legal.Kind, dict[str, str]] = {
    "terms": {
        "pointer": "/terms_version",
        "detail": "Les conditions générales ont changé : lisez et acceptez la version en vigueur.",
    },
    "privacy": {
        "pointer": "/privacy_version",
        "detail": "La politique de confidentialité a changé : lisez et acceptez la version en vigueur.",
    },
}


class LinkGone(Problem):
    """One answer, whether the link was used, replaced, is too old, or never was."""

    type = "urn:problem:identity:link-gone"
    status = 410
    title = "Lien périmé"
    detail = (
        "Ce lien a déjà servi, a été remplacé par un plus récent ou date de plus de 72 heures : connectez-vous si votre"
        " compte est actif, sinon demandez un nouveau lien ou recommencez votre inscription."
    )


async def check(session: AsyncSession, username: str | None, password: str | None) -> None:
    """Raises Malformed, naming the rules that username or password break."""
    errors = [
        {"pointer": "/password", "detail": detail}
        for detail in (passwords.refusals(password, username, await _policy(session)) if password else ())
    ]
    if username and await session.scalar(select(Account.id).where(Account.username_key == username_key(username))):
        errors.append(_USERNAME_TAKEN)
    if errors:
        raise Malformed(errors=errors)


async def _policy(session: AsyncSession) -> passwords.Policy:
    # A town that has not chosen yet has the stronger one.
    town = await session.get(Town, True)
    return town.password_policy if town else "cnil"


async def register(
    session: AsyncSession,
    *,
    last_name: str,
    first_name: str,
    email: str,
    username: str,
    password: str,
    claim_secret: str,
    versions: Mapping[legal.Kind, str],
    now: datetime,
) -> None:
    """A pending account for the claim's guardian, and the mail with its link.

    Raises Malformed, ClaimGone or AlreadyRegistered; the claim is used only if the registration succeeds.
    """
    await purge(session, now)  # the job comes by only now and then: a username is free to the second
    await check(session, username, password)
    claim = await claims.use(session, claim_secret, now)
    errors = [_OUTDATED[kind] for kind in await legal.outdated(session, versions)]
    if claim.email_key != email_key(email):
        errors.append(_OTHER_EMAIL)
    if errors:
        raise Malformed(errors=errors)
    if await accounts.having_account(session, [claim.guardian_id]):
        raise accounts.AlreadyRegistered
    account = Account(
        id=new_id(),
        version=0,
        status=AccountStatus.PENDING,
        role="guardian",
        username=username,
        username_key=username_key(username),
        password_hash=await passwords.hashed(password),
        first_name=first_name,
        last_name=last_name,
        email=email,
        email_key=email_key(email),
        dossier_id=claim.dossier_id,
        guardian_id=claim.guardian_id,
        site_ids=[],
        created_at=now,
    )
    session.add(account)
    try:
        await session.flush()
    except IntegrityError as error:  # somebody took the username since it was checked
        raise Malformed(errors=[_USERNAME_TAKEN]) from error
    legal.accept(session, account.id, versions, now)
    await _send_link(session, account, now)


async def _send_link(session: AsyncSession, account: Account, now: datetime) -> None:
    """A new link, which kills the older one: only its digest is kept, and the mail's text until it is sent."""
    secret = new_secret()
    account.activation_digest, account.activation_expires_at = digest(secret), now + LINK_VALID
    await notices.write(
        session,
        notice_id=new_id(),
        account_id=account.id,
        email=account.email,
        title="Activez votre compte Espace Familles",
        paragraphs=[
            f"Bonjour {account.first_name} {account.last_name},",
            f"Un compte a été demandé pour vous, sous le nom d'utilisateur « {account.username} ». Pour l'activer,"
            " suivez le lien ci-dessous : il est valable 72 heures et ne sert qu'une fois.",
            "Si vous n'avez pas choisi ce nom d'utilisateur, ne suivez pas ce lien : sans activation, l'inscription"
            " sera effacée au bout de 72 heures.",
        ],
        link=f"/activation?token={secret}",
        now=now,
    )


async def resend(session: AsyncSession, email: str, now: datetime) -> None:
    """A new link for each registration still waiting under that email; there may be none."""
    waiting = (
        select(Account)
        .where(
            Account.email_key == email_key(email),
            Account.status == AccountStatus.PENDING,
            Account.activation_expires_at > now,
        )
        .with_for_update()
    )
    for account in await session.scalars(waiting):
        await _send_link(session, account, now)


async def activate(session: AsyncSession, secret: str, now: datetime) -> None:
    """The account of that link becomes active. Raises LinkGone, or AlreadyRegistered: one active account a guardian."""
    account = await session.scalar(
        select(Account)
        .where(Account.activation_digest == digest(secret), Account.activation_expires_at > now)
        .with_for_update()
    )
    if account is None:
        raise LinkGone
    move(account, AccountStatus.ACTIVE)
    account.version += 1
    account.activation_digest = account.activation_expires_at = None
    try:
        await session.flush()
    except IntegrityError as error:
        raise accounts.AlreadyRegistered from error
    await publish(session, accounts.activated(account))


async def purge(session: AsyncSession, now: datetime) -> None:
    """Erase the registrations whose link is over, with what was still to be sent to them: their usernames are free."""
    purged = (
        delete(Account)
        .where(Account.status == AccountStatus.PENDING, Account.activation_expires_at <= now)
        .returning(Account.id)
    )
    gone = (await session.scalars(purged)).all()
    await session.execute(delete(Notice).where(Notice.account_id.in_(gone)))
