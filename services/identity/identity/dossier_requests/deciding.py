"""Requests for a dossier: asked by anybody, decided once by an agent, who has made the dossier meanwhile."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from chassis import desk
from chassis.identifiers import new_id
from chassis.problems import Malformed
from chassis.reach import Reach
from french.calendar import birth_date_fault
from french.names import name_key
from french.paris import day_in_paris
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from identity import desk_requests
from identity.accounts import AlreadyRegistered, having_account
from identity.copies import Dossier, Guardian
from identity.desk_requests import RequestStatus
from identity.dossier_requests.models import DossierRequest
from identity.notices.writing import write
from identity.registrations import claims
from identity.registrations.link_requests import CLAIM_VALID
from identity.tokens import digest


class Decision(NamedTuple):
    """`dossier_id` is the dossier with which it is accepted."""

    status: RequestStatus
    dossier_id: UUID | None
    reason: str


async def ask(session: AsyncSession, asked: Mapping[str, Any], now: datetime, *, most: int) -> None:
    """Keep the request for an agent; the same one waits once.

    Raises Malformed (a child of tomorrow, or of age), TooManyWaiting where `most` wait already.
    """
    errors = [
        {"pointer": f"/children/{position}/birth_date", "detail": fault}
        for position, child in enumerate(asked["children"])
        if (fault := birth_date_fault(date.fromisoformat(child["birth_date"]), day_in_paris(now)))
    ]
    if errors:
        raise Malformed(errors=errors)
    said = {**asked, "digest": digest(to_json(asked).decode())}
    await desk_requests.ask(session, DossierRequest, said, now, most=most)


async def decide(
    session: AsyncSession, request_id: UUID, by: Reach, decision: Decision, guardian_id: UUID | None, now: datetime
) -> DossierRequest:
    """The decided request; the same decision again changes and tells nothing. `guardian_id`: who of it has asked.

    Accepted: a link to open an account is mailed to the address asked for. Refused: the reason is. Raises NotFound,
    AlreadyDecided, Malformed (no such dossier, or nobody of that name in it), AlreadyRegistered.
    """
    request, news = await desk_requests.decide(session, DossierRequest, request_id, by, decision._asdict(), now)
    if news and decision.dossier_id is None:
        await _refuse(session, request, now)
    elif news and decision.dossier_id:
        desk.note(session, dossier_id=decision.dossier_id)
        await _accept(session, request, decision.dossier_id, guardian_id, now)
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
