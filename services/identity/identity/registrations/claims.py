"""Claims: the proof that somebody is a dossier's guardian, compared with our own copy of the dossiers."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis.problems import Problem
from french.names import name_key
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts import AlreadyRegistered, having_account
from identity.copies import Dossier, Guardian
from identity.names import number_key
from identity.registrations.models import Claim
from identity.registrations.rules import matching
from identity.tokens import digest, new_secret

VALID = timedelta(hours=1)


class ClaimRefused(Problem):
    """One answer for every mismatch: it tells nobody which dossiers, names or emails exist."""

    type = "urn:problem:identity:claim-refused"
    status = 404
    title = "Dossier non reconnu"
    detail = (
        "Ces informations ne correspondent pas à celles de votre dossier : vérifiez le numéro de dossier, le nom et le"
        " courriel. Si votre courriel a changé, demandez le rattachement de votre compte à un agent."
    )


class ClaimGone(Problem):
    type = "urn:problem:identity:claim-gone"
    status = 410
    title = "Preuve de dossier périmée"
    detail = (
        "La vérification de votre dossier a déjà servi ou date de trop longtemps : indiquez de nouveau votre numéro"
        " de dossier, votre nom et votre courriel, ou demandez de nouveau un rattachement."
    )


async def prove(
    session: AsyncSession, number: str, last_name: str, email: str, first_name: str | None, now: datetime
) -> tuple[str, datetime]:
    """The secret of a claim and its end; `first_name` only tells apart two guardians of one name and email.

    Raises ClaimRefused, or AlreadyRegistered where the proof holds but every such guardian has an account.
    """
    dossiers = await session.scalars(select(Dossier).where(Dossier.number == number_key(number)))
    matches = [
        (dossier.dossier_id, UUID(one["guardian_id"]), name_key(one["first_name"]), str(one["email"]).strip())
        for dossier in dossiers
        for one in matching(dossier.guardians, last_name, email)
    ]
    if not matches:
        raise ClaimRefused
    taken = await having_account(session, [guardian_id for _, guardian_id, *_ in matches])
    free = [match for match in matches if match[1] not in taken]
    if not free:
        raise AlreadyRegistered
    dossier_id, guardian_id, _, known_email = min(free, key=lambda match: match[2] != name_key(first_name or ""))
    return give(session, dossier_id, guardian_id, known_email, now + VALID), now + VALID


def give(session: AsyncSession, dossier_id: UUID, guardian_id: UUID, email: str, expires_at: datetime) -> str:
    """The secret of a new claim for that guardian, who will read that email."""
    secret = new_secret()
    keep(session, secret, dossier_id, guardian_id, email, expires_at)
    return secret


def keep(
    session: AsyncSession, secret: str, dossier_id: UUID, guardian_id: UUID, email: str | None, expires_at: datetime
) -> None:
    """A claim by that secret; without `email` whoever has it says theirs."""
    session.add(
        Claim(digest=digest(secret), dossier_id=dossier_id, guardian_id=guardian_id, email=email, expires_at=expires_at)
    )


async def judge(session: AsyncSession, secret: str, now: datetime) -> tuple[Claim, Guardian]:
    """The claim, this transaction's alone (another one waits for its end), and its guardian as the dossier has them.

    Raises ClaimGone; also when the dossier no longer knows that guardian.
    """
    claim = await session.scalar(
        select(Claim)
        .where(Claim.digest == digest(secret), Claim.used_at.is_(None), Claim.expires_at > now)
        .with_for_update()
    )
    # Read for the rest of the transaction: whoever hears that the guardian is gone looks for what it makes after it.
    dossier = await session.get(Dossier, claim.dossier_id, with_for_update={"read": True}) if claim else None
    for guardian in dossier.guardians if dossier else ():
        if claim and guardian["guardian_id"] == str(claim.guardian_id):
            return claim, guardian
    raise ClaimGone
