"""Registrations: from a claim to an active account, by a link that is mailed, good for 72 hours and used once.

Whoever holds an invoice can register, so nothing that was typed is believed before the link is followed: the mail has
the dossier's own words, and the guardian who did not choose the password chooses one there.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed, Problem
from sqlalchemy import ColumnElement, and_, delete, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from identity import accounts, claims, legal, notices, passwords
from identity.models import Account, AccountStatus, ActivationLink, Claim, Notice, Town, move
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


async def check(
    session: AsyncSession, username: str | None, password: str | None, now: datetime, *, field: str = "/password"
) -> None:
    """Raises Malformed, naming the rules that username or password (at the pointer `field`) break."""
    errors = [
        {"pointer": field, "detail": detail}
        for detail in (passwords.refusals(password, username, await _policy(session)) if password else ())
    ]
    if username and await session.scalar(select(Account.id).where(_holding(username), ~_over(now))):
        errors.append(_USERNAME_TAKEN)
    if errors:
        raise Malformed(errors=errors)


def _holding(username: str) -> ColumnElement[bool]:
    return Account.username_key == username_key(username)


def _over(now: datetime) -> ColumnElement[bool]:
    """Registrations whose links are all over, purged or not yet: their usernames are free to the second."""
    return and_(Account.status == AccountStatus.PENDING, Account.activation_expires_at <= now)


async def _policy(session: AsyncSession) -> passwords.Policy:
    # A town that has not chosen yet has the stronger one.
    town = await session.get(Town, True)
    return town.password_policy if town else "cnil"


async def judge(
    session: AsyncSession,
    *,
    email: str,
    username: str,
    password: str,
    claim_secret: str,
    versions: Mapping[legal.Kind, str],
    now: datetime,
) -> tuple[Claim, dict[str, Any]]:
    """The claim and its guardian, when the registration may be made; the claim first: without one, nothing is told.

    Raises ClaimGone, Malformed or AlreadyRegistered.
    """
    claim, guardian = await claims.judge(session, claim_secret, now)
    await check(session, username, password, now)
    errors = [_OUTDATED[kind] for kind in await legal.outdated(session, versions)]
    if email_key(claim.email) != email_key(email):
        errors.append(_OTHER_EMAIL)
    if errors:
        raise Malformed(errors=errors)
    if await accounts.having_account(session, [claim.guardian_id]):
        raise accounts.AlreadyRegistered
    return claim, guardian


async def register(
    session: AsyncSession,
    claim: Claim,
    guardian: Mapping[str, Any],
    *,
    username: str,
    password_hash: str,
    versions: Mapping[legal.Kind, str],
    now: datetime,
) -> Account:
    """A pending account for the claim that was judged in this transaction, which uses it. Raises Malformed."""
    claim.used_at = now
    await _purge(session, _holding(username), now)
    account = Account(
        id=new_id(),
        version=0,
        status=AccountStatus.PENDING,
        role="guardian",
        username=username,
        username_key=username_key(username),
        password_hash=password_hash,
        first_name=guardian["first_name"],
        last_name=guardian["last_name"],
        email=claim.email,
        email_key=email_key(claim.email),
        dossier_id=claim.dossier_id,
        guardian_id=claim.guardian_id,
        site_ids=[],
        # Without a link, where too many were mailed already, until one is asked for.
        activation_expires_at=now + LINK_VALID,
        created_at=now,
    )
    session.add(account)
    await _flush(session, Malformed(errors=[_USERNAME_TAKEN]))
    legal.accept(session, account.id, versions, now)
    return account


async def _flush(session: AsyncSession, taken: Problem) -> None:
    """Raises `taken` where somebody else has it since it was looked up."""
    try:
        await session.flush()
    except IntegrityError as error:
        raise taken from error


async def send_link(session: AsyncSession, account: Account, now: datetime) -> None:
    """A new link beside the older ones: only its digest is kept, and the mail's text until it is sent.

    No word of who registered is in the mail, not even the username.
    """
    secret = new_secret()
    account.activation_expires_at = now + LINK_VALID
    session.add(ActivationLink(digest=digest(secret), account_id=account.id, expires_at=now + LINK_VALID))
    await notices.write(
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
    move(account, AccountStatus.ACTIVE)
    account.version += 1
    account.activation_expires_at = None
    await _flush(session, accounts.AlreadyRegistered())
    await session.execute(delete(ActivationLink).where(ActivationLink.account_id == account.id))
    await publish(session, accounts.activated(account))


async def judge_change(
    session: AsyncSession, account: Account, username: str | None, password: str, now: datetime
) -> None:
    """Raises Malformed, unless the pending account may have that username (none: it keeps its own) and password."""
    other = username if username and username_key(username) != account.username_key else None
    await check(session, other, None, now)
    broken = passwords.refusals(password, username or account.username, await _policy(session))
    if broken:
        raise Malformed(errors=[{"pointer": "/new_password", "detail": detail} for detail in broken])


async def change(
    session: AsyncSession, account: Account, username: str | None, password_hash: str, now: datetime
) -> None:
    """What the guardian chose in the place of what was chosen at registration. Raises Malformed."""
    account.password_hash = password_hash
    if username:
        if username_key(username) != account.username_key:
            await _purge(session, _holding(username), now)
        account.username, account.username_key = username, username_key(username)
        await _flush(session, Malformed(errors=[_USERNAME_TAKEN]))


async def purge(session: AsyncSession, now: datetime) -> None:
    """Erase the registrations whose links are over, with what was still to be sent to them."""
    await _purge(session, true(), now)


async def _purge(session: AsyncSession, whose: ColumnElement[bool], now: datetime) -> None:
    over = select(Account.id).where(whose, _over(now)).with_for_update(skip_locked=True)
    gone = (await session.scalars(delete(Account).where(Account.id.in_(over)).returning(Account.id))).all()
    await session.execute(delete(Notice).where(Notice.account_id.in_(gone)))
