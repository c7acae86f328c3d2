"""Change requests: asked by a family, or at the desk for it; decided by an agent; applied with the decision.

The dossier's row is locked first, then the request's, then the children's in the order of their ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis import desk
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed, NotFound, Problem
from chassis.reach import Reach
from french.paris import day_in_paris
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from dossier import children, dossiers
from dossier.changes import applying, notices
from dossier.changes.models import ChangeRequest, ChangeStatus
from dossier.changes.wishes import Wish
from dossier.documents.models import Document
from dossier.models import Dossier


class AlreadyAsked(Problem):
    type = "urn:problem:dossier:change-asked"
    title = "Demande déjà en attente"
    detail = "Une autre demande attend déjà une réponse à ce sujet : retirez-la avant d'en faire une nouvelle."


class AlreadyDecided(Problem):
    type = "urn:problem:dossier:change-decided"
    title = "Demande déjà traitée"
    detail = "Cette demande a déjà été traitée autrement : rechargez la page pour voir ce qu'elle est devenue."


class Outdated(Problem):
    type = "urn:problem:dossier:change-outdated"
    title = "Demande dépassée"
    detail = (
        "Le dossier a changé depuis cette demande : ce qu'elle remplace n'y est plus. Refusez-la en l'expliquant à la"
        " famille, qui pourra en faire une nouvelle."
    )


#: What of the dossier is shown with its requests.
SHOWN = (
    joinedload(ChangeRequest.dossier).selectinload(Dossier.adults),
    joinedload(ChangeRequest.dossier).selectinload(Dossier.children),
)


@dataclass(frozen=True)
class Decision:
    """`counts_from` is of a quotient (none: the next month); `resident` of an address (none: by its postcode)."""

    status: ChangeStatus
    reason: str
    counts_from: date | None = None
    resident: bool | None = None


async def ask(
    session: AsyncSession,
    reach: Reach,
    dossier_id: UUID,
    wish: Wish,
    document_ids: Sequence[UUID],
    comment: str | None,
    now: datetime,
) -> ChangeRequest:
    """The request that waits; the same wish waits once. Raises NotFound, Malformed (nothing changes), AlreadyAsked."""
    dossier = await dossiers.edited(session, reach, dossier_id)
    today = day_in_paris(now)
    old, new = applying.present(dossier, wish.kind, wish.subject_id, wish.values(), today), wish.values()
    await applying.check(session, dossier, wish.kind, new, today)
    await _check_proofs(session, dossier_id, document_ids)
    if old == new:
        raise Malformed(errors=[{"pointer": "/change", "detail": "Votre dossier dit déjà cela : rien ne change."}])
    waiting = await session.scalar(
        select(ChangeRequest).where(
            ChangeRequest.dossier_id == dossier_id,
            ChangeRequest.kind == wish.kind,
            ChangeRequest.subject_id.is_not_distinct_from(wish.subject_id),
            ChangeRequest.status == ChangeStatus.WAITING,
        )
    )
    if waiting:
        if (waiting.new, waiting.document_ids, waiting.comment) != (new, list(document_ids), comment):
            raise AlreadyAsked
        set_committed_value(waiting, "dossier", dossier)
        return waiting
    request = ChangeRequest(
        id=new_id(),
        version=1,
        status=ChangeStatus.WAITING,
        dossier_id=dossier_id,
        kind=wish.kind,
        subject_id=wish.subject_id,
        old=old,
        new=new,
        document_ids=list(document_ids),
        comment=comment,
        asked_at=now,
        asked_by=reach.sub,
        dossier=dossier,
    )
    session.add(request)
    return request


async def _check_proofs(session: AsyncSession, dossier_id: UUID, document_ids: Sequence[UUID]) -> None:
    """Raises Malformed for what the family has not handed in."""
    handed_in = select(Document.id).where(Document.dossier_id == dossier_id, Document.id.in_(document_ids))
    there = set(await session.scalars(handed_in)) if document_ids else set()
    if missing := [position for position, one in enumerate(document_ids) if one not in there]:
        detail = "Ce document ne figure pas dans le dossier : envoyez-le d'abord."
        raise Malformed(errors=[{"pointer": f"/document_ids/{at}", "detail": detail} for at in missing])


async def listed(
    session: AsyncSession,
    reach: Reach,
    status: ChangeStatus | None,
    dossier_id: UUID | None,
    most: int,
    after: UUID | None,
) -> Sequence[ChangeRequest]:
    """The desk's, oldest first; a family's own, the newest first. Raises NotFound for another family's."""
    query = select(ChangeRequest).options(*SHOWN).limit(most)
    if status is not None:
        query = query.where(ChangeRequest.status == status)
    whose = dossier_id if reach.at_desk else dossier_id or reach.dossier_id
    if whose is not None or not reach.at_desk:
        await dossiers.read(session, reach, whose)
        query = query.where(ChangeRequest.dossier_id == whose)
    if reach.at_desk:
        query = query.order_by(ChangeRequest.id)
        return (await session.scalars(query.where(ChangeRequest.id > after) if after else query)).all()
    query = query.order_by(ChangeRequest.id.desc())
    return (await session.scalars(query.where(ChangeRequest.id < after) if after else query)).all()


async def read(session: AsyncSession, reach: Reach, request_id: UUID) -> ChangeRequest:
    """Raises NotFound."""
    request = await session.get(ChangeRequest, request_id, options=SHOWN)
    if request is None or not reach.covers(request.dossier_id) or not dossiers.admits(request.dossier, reach):
        raise NotFound
    return request


async def withdraw(session: AsyncSession, reach: Reach, request_id: UUID) -> ChangeRequest:
    """By the family; twice is once. Raises NotFound, AlreadyDecided."""
    request, _ = await _locked(session, reach, request_id)
    if request.status == ChangeStatus.WAITING:
        request.move(ChangeStatus.WITHDRAWN)
    if request.status != ChangeStatus.WITHDRAWN:
        raise AlreadyDecided
    return request


async def decide(
    session: AsyncSession, reach: Reach, request_id: UUID, decision: Decision, now: datetime
) -> ChangeRequest:
    """Accepted, it is so from this transaction on; the family is told. The same decision again changes nothing.

    Raises NotFound, AlreadyDecided, Outdated, Malformed (what is no longer possible).
    """
    request, dossier = await _locked(session, reach, request_id)
    _refuse_foreign(request.kind, decision)
    if request.status != ChangeStatus.WAITING:
        if (request.status, request.reason) != (decision.status, decision.reason):
            raise AlreadyDecided
        return request
    request.reason, request.decided_at, request.decided_by = decision.reason, now, reach.sub
    request.move(decision.status)
    if decision.status == ChangeStatus.ACCEPTED:
        today = day_in_paris(now)
        await applying.lock(session, dossier, request)
        there = applying.present(dossier, request.kind, request.subject_id, request.new, today)
        if there not in (request.old, request.new):
            raise Outdated
        await applying.apply(
            session, dossier, request, today, first_day=decision.counts_from, resident=decision.resident
        )
    await publish(session, *notices.decided(request, await _families(session, request)))
    return request


def _refuse_foreign(kind: str, decision: Decision) -> None:
    """Raises Malformed for what is said of another kind of request."""
    said = {"counts_from": ("quotient", decision.counts_from), "resident": ("address", decision.resident)}
    for name, (whose, value) in said.items():
        if value is not None and (kind != whose or decision.status != ChangeStatus.ACCEPTED):
            raise Malformed(errors=[{"pointer": f"/{name}", "detail": "Ce champ ne concerne pas cette décision."}])


async def _families(session: AsyncSession, request: ChangeRequest) -> Sequence[UUID]:
    """The dossiers of the child whom it is about."""
    if request.kind == "custody":  # each family has been told of its own days
        return (request.dossier_id,)
    child = next((one for one in request.dossier.children if one.id == request.subject_id), None)
    return await children.dossier_ids(session, child) if child else (request.dossier_id,)


async def _locked(session: AsyncSession, reach: Reach, request_id: UUID) -> tuple[ChangeRequest, Dossier]:
    """Raises NotFound."""
    dossier_id = await session.scalar(select(ChangeRequest.dossier_id).where(ChangeRequest.id == request_id))
    if dossier_id is None:
        raise NotFound
    desk.note(session, dossier_id=dossier_id)
    dossier = await dossiers.edited(session, reach, dossier_id)
    request = await session.get_one(ChangeRequest, request_id, with_for_update=True)
    set_committed_value(request, "dossier", dossier)
    return request, dossier
