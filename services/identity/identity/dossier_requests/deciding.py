"""Requests for a dossier: asked by anybody, decided once by an agent, who has made the dossier meanwhile."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from chassis import desk
from chassis.identifiers import new_id
from chassis.problems import Malformed, NotFound, Problem
from chassis.reach import Reach
from french.names import name_key
from french.paris import day_in_paris
from pydantic_core import to_json
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts import AlreadyRegistered, having_account
from identity.copies import Dossier, Guardian
from identity.dossier_requests.models import DossierRequest, DossierRequestStatus
from identity.notices.writing import write
from identity.registrations import claims
from identity.registrations.link_requests import CLAIM_VALID
from identity.tokens import digest


class TooManyWaiting(Problem):
    type = "urn:problem:identity:dossier-requests-waiting"
    status = 429
    title = "Trop de demandes en attente"
    detail = (
        "Beaucoup de demandes attendent déjà une réponse de la mairie : réessayez dans quelques heures, ou"
        " adressez-vous au guichet."
    )


class AlreadyDecided(Problem):
    type = "urn:problem:identity:dossier-request-decided"
    status = 409
    title = "Demande déjà décidée"
    detail = "Cette demande a déjà reçu une autre décision : rechargez la liste pour la voir."


class Decision(NamedTuple):
    """`dossier_id` is the dossier with which it is accepted, `guardian_id` who of its guardians has asked."""

    status: DossierRequestStatus
    dossier_id: UUID | None
    guardian_id: UUID | None
    reason: str


async def ask(session: AsyncSession, asked: Mapping[str, Any], now: datetime, *, most: int) -> None:
    """Keep the request for an agent; the same one waits once.

    Raises Malformed (a child of tomorrow), TooManyWaiting where `most` wait already.
    """
    errors = [
        {"pointer": f"/children/{position}/birth_date", "detail": "Cette date de naissance est à venir : vérifiez-la."}
        for position, child in enumerate(asked["children"])
        if date.fromisoformat(child["birth_date"]) > day_in_paris(now)
    ]
    if errors:
        raise Malformed(errors=errors)
    # One at a time, or many at once would all still find room.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("dossier_requests", 0))))
    waiting = (
        select(func.count()).select_from(DossierRequest).where(DossierRequest.status == DossierRequestStatus.WAITING)
    )
    if (await session.scalar(waiting) or 0) >= most:
        raise TooManyWaiting(retry_after_s=3600)
    kept = insert(DossierRequest).values(
        id=new_id(),
        version=1,
        status=DossierRequestStatus.WAITING,
        digest=digest(to_json(asked).decode()),
        created_at=now,
        **asked,
    )
    await session.execute(kept.on_conflict_do_nothing())


async def oldest(
    session: AsyncSession, status: DossierRequestStatus, most: int, after: UUID | None
) -> Sequence[DossierRequest]:
    """So many of the requests of that status, oldest first, or of those after that one."""
    query = select(DossierRequest).where(DossierRequest.status == status).order_by(DossierRequest.id).limit(most)
    if after:
        query = query.where(DossierRequest.id > after)
    return (await session.scalars(query)).all()


async def decide(
    session: AsyncSession, request_id: UUID, by: Reach, decision: Decision, now: datetime
) -> DossierRequest:
    """The decided request; the same decision again changes and tells nothing.

    Accepted: a link to open an account is mailed to the address asked for. Refused: the reason is. Raises NotFound,
    AlreadyDecided, Malformed (no such dossier, or nobody of that name in it), AlreadyRegistered.
    """
    request = await session.get(DossierRequest, request_id, with_for_update=True)
    if request is None:
        raise NotFound
    if request.status != DossierRequestStatus.WAITING:
        if (request.status, request.dossier_id, request.reason) != (
            decision.status,
            decision.dossier_id,
            decision.reason,
        ):
            raise AlreadyDecided
        return request
    request.reason, request.decided_by, request.decided_at = decision.reason, by.sub, now
    request.dossier_id = decision.dossier_id
    request.move(decision.status)
    if decision.dossier_id is None:
        await _refuse(session, request, now)
    else:
        desk.note(session, dossier_id=decision.dossier_id)
        await _accept(session, request, decision.dossier_id, decision.guardian_id, now)
    return request


async def _accept(
    session: AsyncSession, request: DossierRequest, dossier_id: UUID, guardian_id: UUID | None, now: datetime
) -> None:
    dossier = await session.get(Dossier, dossier_id)
    if dossier is None or not dossier.guardians:
        detail = "Ce dossier n'existe pas ou n'a pas de responsable. S'il vient d'être créé, réessayez bientôt."
        raise Malformed(errors=[{"pointer": "/dossier_id", "detail": detail}])
    guardian = _who_asked(request, dossier.guardians, guardian_id)
    if await having_account(session, [UUID(guardian["guardian_id"])]):
        raise AlreadyRegistered("Ce responsable a déjà un compte : refusez la demande en l'expliquant à la famille.")
    secret = claims.give(session, dossier_id, UUID(guardian["guardian_id"]), request.email, now + CLAIM_VALID)
    await write(
        session,
        notice_id=new_id(),
        dossier_id=dossier_id,
        email=request.email,
        title="Votre dossier est créé",
        paragraphs=[
            f"Bonjour {guardian['first_name']} {guardian['last_name']},",
            f"La mairie a créé le dossier de votre famille : son numéro est {dossier.number}. Pour ouvrir votre compte,"
            " suivez le lien ci-dessous et gardez cette adresse de courriel : le lien est valable 72 heures et ne sert"
            " qu'une fois.",
            "Passé ce délai, inscrivez-vous avec ce numéro de dossier, votre nom et cette adresse.",
        ],
        link=f"/inscrivez-vous?token={secret}",
        now=now,
    )


def _who_asked(request: DossierRequest, guardians: Sequence[Guardian], guardian_id: UUID | None) -> Guardian:
    """That guardian of the dossier, or the one who has the names of the request. Raises Malformed."""

    def asked(one: Guardian) -> bool:
        if guardian_id is not None:
            return UUID(one["guardian_id"]) == guardian_id
        names = request.first_name, request.last_name
        return [name_key(one["first_name"]), name_key(one["last_name"])] == [name_key(name) for name in names]

    found = next(filter(asked, guardians), None)
    if found is None:
        detail = "Indiquez lequel des responsables du dossier a fait la demande."
        raise Malformed(errors=[{"pointer": "/guardian_id", "detail": detail}])
    return found


async def _refuse(session: AsyncSession, request: DossierRequest, now: datetime) -> None:
    """No word of who asked is in the mail: it may be anybody's, and its address too."""
    await write(
        session,
        notice_id=new_id(),
        email=request.email,
        title="Votre demande de dossier n'est pas acceptée",
        paragraphs=[
            "Bonjour,",
            f"La mairie n'a pas pu créer de dossier à partir de votre demande. Voici pourquoi : {request.reason}",
            "Vous pouvez faire une nouvelle demande, ou vous adresser au guichet.",
        ],
        link="/demande-de-dossier",
        now=now,
    )
