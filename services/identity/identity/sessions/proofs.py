"""Proofs of who signs in: a password with its second factor, or a PIN on an enrolled tablet."""

from datetime import datetime

from chassis.problems import Problem
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import passwords, second_factor
from identity.models import Account, AccountStatus
from identity.sessions.models import Device
from identity.tokens import digest


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


class AccessEnded(Problem):
    type = "urn:problem:identity:access-ended"
    status = 401
    title = "Compte suspendu"
    detail = (
        "La mairie a enregistré que vous n'êtes plus responsable légal dans ce dossier : si c'est une erreur,"
        " adressez-vous au guichet, qui rétablira votre accès."
    )


class SecondFactorRequired(Problem):
    type = "urn:problem:identity:second-factor-required"
    status = 401
    title = "Code nécessaire"
    detail = "Indiquez aussi le code de votre application d'authentification, ou l'un de vos codes de secours."


async def prove(
    account: Account | None, password: str, otp: str | None, now: datetime
) -> tuple[Account, second_factor.Proof | None]:
    """The account whose password and second factor these are, with the proof to use where there is one.

    The same work is done without an account. Raises SignInRefused; and only when the password is right, NotActivated,
    AccessEnded or SecondFactorRequired.
    """
    right = await passwords.matches(password, account.password_hash if account else None)
    if account is None or not right:
        raise SignInRefused
    if account.status == AccountStatus.PENDING:
        raise NotActivated
    if account.status == AccountStatus.SUSPENDED:
        raise AccessEnded
    if account.totp_secret is None:
        return account, None
    if otp is None:
        raise SecondFactorRequired
    second = second_factor.proof(account, otp, now)
    if second is None:
        raise SignInRefused
    return account, second


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
