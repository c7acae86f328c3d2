"""Invitations: a letter with a code, by which the guardian whom it names proves their dossier without any email.

The code is a claim like another, known by its digest alone; whoever holds the letter chooses the account's email.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.identifiers import new_id
from chassis.problems import Malformed, NotFound, Problem
from french import wording
from french.paris import day_in_paris
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts import AlreadyRegistered, having_account
from identity.copies import Dossier, Guardian
from identity.notices.models import Notice, NoticeStatus
from identity.notices.writing import write
from identity.registrations import claims
from identity.registrations.models import Claim
from identity.registrations.rules import CODE_LENGTH, CODE_LETTERS, code_as_printed
from identity.tokens import digest

VALID = timedelta(days=60)
TITLE = "Votre code pour l'Espace Familles"


class CodeRefused(Problem):
    """One answer, whether the code was used, replaced, is too old, or never was."""

    type = "urn:problem:identity:code-refused"
    status = 404
    title = "Code non reconnu"
    detail = (
        "Ce code n'est pas reconnu, a déjà servi ou date de plus de 60 jours : vérifiez-le sur votre courrier, ou"
        " demandez-en un autre au guichet."
    )


@dataclass(frozen=True)
class Invitation:
    guardian_id: UUID
    first_name: str
    last_name: str
    expires_at: datetime


async def invite(
    session: AsyncSession, dossier_id: UUID, guardian_id: UUID | None, now: datetime
) -> Sequence[Invitation]:
    """A letter to that guardian, or to each who has no account; codes of before are dead, with their unprinted letters.

    Raises NotFound, Malformed (nobody's guardian), AlreadyRegistered (nobody is left to invite).
    """
    dossier = await session.get(Dossier, dossier_id, with_for_update=True)  # one code a guardian, whoever asks at once
    if dossier is None:
        raise NotFound
    named = [one for one in dossier.guardians if guardian_id in (None, UUID(one["guardian_id"]))]
    if not named:
        detail = "Ce dossier n'a pas ce responsable légal, ou il est fermé."
        raise Malformed(errors=[{"pointer": "/guardian_id", "detail": detail}])
    having = await having_account(session, [UUID(one["guardian_id"]) for one in named])
    invited = [one for one in named if UUID(one["guardian_id"]) not in having]
    if not invited:
        raise AlreadyRegistered("Chaque responsable de ce dossier a déjà un compte : il n'y a personne à inviter.")
    return [await _send(session, dossier, one, now) for one in invited]


async def _send(session: AsyncSession, dossier: Dossier, guardian: Guardian, now: datetime) -> Invitation:
    guardian_id, expires_at = UUID(guardian["guardian_id"]), now + VALID
    await session.execute(
        delete(Claim).where(Claim.guardian_id == guardian_id, Claim.email.is_(None), Claim.used_at.is_(None))
    )
    await session.execute(
        delete(Notice).where(
            Notice.guardian_id == guardian_id, Notice.status == NoticeStatus.TO_PRINT, Notice.title == TITLE
        )
    )
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    claims.keep(session, code, dossier.dossier_id, guardian_id, None, expires_at)
    await write(
        session,
        notice_id=new_id(),
        dossier_id=dossier.dossier_id,
        guardian_id=guardian_id,
        title=TITLE,
        paragraphs=[
            f"Bonjour {guardian['first_name']} {guardian['last_name']},",
            f"La commune vous invite à créer votre compte sur l'Espace Familles, pour suivre votre dossier"
            f" {dossier.number} : inscriptions, planning, factures.",
            "Ouvrez la page indiquée ci-dessous. À l'étape 2, choisissez « J'ai un code d'invitation », puis indiquez"
            f" ce code : {code_as_printed(code)}",
            f"Il sert une fois, jusqu'au {wording.day(day_in_paris(expires_at))}. Ne le donnez à personne : il ouvre"
            " votre dossier. Si vous ne souhaitez pas de compte, ne faites rien.",
        ],
        link="/inscrivez-vous",
        now=now,
    )
    return Invitation(guardian_id, guardian["first_name"], guardian["last_name"], expires_at)


async def recognise(session: AsyncSession, code: str, now: datetime) -> tuple[str, datetime]:
    """The claim that the code is, and its end. Raises CodeRefused, AlreadyRegistered."""
    claim = await session.scalar(
        select(Claim).where(
            Claim.digest == digest(code), Claim.email.is_(None), Claim.used_at.is_(None), Claim.expires_at > now
        )
    )
    if claim is None:
        raise CodeRefused
    if await having_account(session, [claim.guardian_id]):
        raise AlreadyRegistered
    return code, claim.expires_at
