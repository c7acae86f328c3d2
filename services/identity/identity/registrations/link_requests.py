"""Link requests: a family that could not prove its dossier asks an agent, who decides."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from chassis.identifiers import new_id
from chassis.problems import Malformed, NotFound, Problem
from chassis.reach import Reach
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts import AlreadyRegistered, having_account
from identity.copies import Dossier, Guardian
from identity.names import email_key, number_key
from identity.notices.writing import write
from identity.registrations import claims
from identity.registrations.models import LinkRequest, LinkRequestStatus

#: The claim of an accepted request travels by mail.
CLAIM_VALID = timedelta(hours=72)


class TooManyWaiting(Problem):
    type = "urn:problem:identity:link-requests-waiting"
    status = 429
    title = "Trop de demandes en attente"
    detail = (
        "Beaucoup de demandes attendent déjà une réponse de la mairie : réessayez dans quelques heures, ou"
        " adressez-vous au guichet."
    )


class AlreadyDecided(Problem):
    type = "urn:problem:identity:link-request-decided"
    status = 409
    title = "Demande déjà décidée"
    detail = "Cette demande a déjà reçu une autre décision : rechargez la liste pour la voir."


class Asked(NamedTuple):
    dossier_number: str | None
    first_name: str
    last_name: str
    email: str


class Decision(NamedTuple):
    """`guardian_id` is the guardian for whom it is accepted."""

    status: LinkRequestStatus
    guardian_id: UUID | None
    reason: str


async def ask(session: AsyncSession, asked: Asked, now: datetime, *, most: int) -> None:
    """Keep the request for an agent; the same one waits once. Raises TooManyWaiting where `most` wait already."""
    # One at a time, or many at once would all still find room.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("link_requests", 0))))
    waiting = select(func.count()).select_from(LinkRequest).where(LinkRequest.status == LinkRequestStatus.WAITING)
    if (await session.scalar(waiting) or 0) >= most:
        raise TooManyWaiting(retry_after_s=3600)
    kept = insert(LinkRequest).values(
        id=new_id(), version=1, status=LinkRequestStatus.WAITING, created_at=now, **asked._asdict()
    )
    await session.execute(kept.on_conflict_do_nothing())


async def oldest(
    session: AsyncSession, status: LinkRequestStatus, most: int, after: UUID | None
) -> Sequence[LinkRequest]:
    """So many of the requests of that status, oldest first, or of those after that one."""
    query = select(LinkRequest).where(LinkRequest.status == status).order_by(LinkRequest.id).limit(most)
    if after:
        query = query.where(LinkRequest.id > after)
    return (await session.scalars(query)).all()


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
    request = await session.get(LinkRequest, request_id, with_for_update=True)
    if request is None:
        raise NotFound
    if request.status != LinkRequestStatus.WAITING:
        if (request.status, request.guardian_id, request.reason) != decision:
            raise AlreadyDecided
        return request
    request.reason, request.decided_by, request.decided_at = decision.reason, by.sub, now
    if decision.guardian_id is None:
        request.move(LinkRequestStatus.REFUSED)
        await _refuse(session, request, now)
    else:
        request.guardian_id = decision.guardian_id
        request.move(LinkRequestStatus.ACCEPTED)
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
