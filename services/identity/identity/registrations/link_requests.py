"""Link requests: a family that could not prove its dossier asks an agent, who decides."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from chassis import desk
from chassis.identifiers import new_id
from chassis.problems import Malformed
from chassis.reach import Reach
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import desk_requests
from identity.accounts import AlreadyRegistered, having_account
from identity.copies import Dossier, Guardian
from identity.desk_requests import RequestStatus
from identity.names import email_key, number_key
from identity.notices.writing import write
from identity.registrations import claims
from identity.registrations.models import LinkRequest

#: The claim of an accepted request travels by mail.
CLAIM_VALID = timedelta(hours=72)


class Decision(NamedTuple):
    """`guardian_id` is the guardian for whom it is accepted."""

    status: RequestStatus
    guardian_id: UUID | None
    reason: str


async def candidates(session: AsyncSession, requests: Sequence[LinkRequest]) -> dict[UUID, list[tuple[Guardian, bool]]]:
    """For each request, the guardians of the dossier whose number it names, and whether they have an account."""
    numbers = {one.id: number_key(one.dossier_number or "") for one in requests}
    known = await session.scalars(select(Dossier).where(Dossier.number.in_(numbers.values())))
    guardians = {dossier.number: dossier.guardians for dossier in known}
    having = await having_account(
        session, [UUID(one["guardian_id"]) for theirs in guardians.values() for one in theirs]
    )
    return {
        request_id: [(one, UUID(one["guardian_id"]) in having) for one in guardians.get(number, [])]
        for request_id, number in numbers.items()
    }


async def decide(session: AsyncSession, request_id: UUID, by: Reach, decision: Decision, now: datetime) -> LinkRequest:
    """The decided request; the same decision again changes and tells nothing.

    Accepted: a claim for that guardian is mailed to the address asked for, and the address that the dossier had is
    told. Refused: the reason is. Raises NotFound, AlreadyDecided, Malformed (nobody's guardian), AlreadyRegistered.
    """
    request, news = await desk_requests.decide(session, LinkRequest, request_id, by, decision._asdict(), now)
    if news and decision.guardian_id is None:
        await _refuse(session, request, now)
    elif news and decision.guardian_id:
        await _accept(session, request, decision.guardian_id, now)
    return request


async def _accept(session: AsyncSession, request: LinkRequest, guardian_id: UUID, now: datetime) -> None:
    dossier = await session.scalar(
        select(Dossier).where(Dossier.guardians.contains([{"guardian_id": str(guardian_id)}]))
    )
    if dossier is None:
        raise Malformed(errors=[{"pointer": "/guardian_id", "detail": "Aucun dossier actif n'a ce responsable légal."}])
    if await having_account(session, [guardian_id]):
        raise AlreadyRegistered("Ce responsable a déjà un compte : refusez la demande en l'expliquant à la famille.")
    guardian = next(one for one in dossier.guardians if one["guardian_id"] == str(guardian_id))
    desk.note(session, dossier_id=dossier.dossier_id)
    secret = claims.give(session, dossier.dossier_id, guardian_id, request.email, now + CLAIM_VALID)
    greeting = f"Bonjour {guardian['first_name']} {guardian['last_name']},"
    await write(
        session,
        notice_id=new_id(),
        dossier_id=dossier.dossier_id,
        email=request.email,
        title="Votre demande de rattachement est acceptée",
        paragraphs=[
            greeting,
            f"Le guichet a accepté de rattacher un compte à votre dossier {dossier.number}. Pour créer ce compte,"
            " suivez le lien ci-dessous et gardez cette adresse de courriel : le lien est valable 72 heures et ne sert"
            " qu'une fois.",
        ],
        link=f"/inscrivez-vous?token={secret}",
        now=now,
    )
    former = guardian["email"]
    if former and email_key(former) != email_key(request.email):
        await write(
            session,
            notice_id=new_id(),
            dossier_id=dossier.dossier_id,
            email=former,
            title="Une autre adresse est acceptée pour votre dossier",
            paragraphs=[
                greeting,
                f"À votre demande, le guichet a accepté qu'un compte soit créé pour votre dossier {dossier.number} avec"
                " une autre adresse de courriel que celle-ci.",
                "Si vous n'avez rien demandé, prévenez aussitôt le guichet.",
            ],
            link=None,
            now=now,
        )


async def _refuse(session: AsyncSession, request: LinkRequest, now: datetime) -> None:
    """No word of who asked is in the mail: it may be anybody's, and its address too."""
    await write(
        session,
        notice_id=new_id(),
        email=request.email,
        title="Votre demande de rattachement n'est pas acceptée",
        paragraphs=[
            "Bonjour,",
            "Le guichet n'a pas pu rattacher un compte à un dossier à partir de votre demande. Voici pourquoi :"
            f" {request.reason}",
            "Vous pouvez faire une nouvelle demande, ou vous adresser au guichet.",
        ],
        link="/inscrivez-vous",
        now=now,
    )
