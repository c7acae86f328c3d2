"""What anybody may ask of the desk, in one shape: each waits once, so many at most, until an agent decides it, once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from chassis.desk import note
from chassis.identifiers import new_id
from chassis.problems import NotFound, Problem
from chassis.reach import Reach
from chassis.states import Moves, state
from sqlalchemy import CheckConstraint, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

#: Who decided, and why, can be asked for so long.
DECIDED_KEPT = timedelta(days=365)


class TooManyWaiting(Problem):
    type = "urn:problem:identity:requests-waiting"
    status = 429
    title = "Trop de demandes en attente"
    detail = (
        "Beaucoup de demandes attendent déjà une réponse de la mairie : réessayez dans quelques heures, ou"
        " adressez-vous au guichet."
    )


class AlreadyDecided(Problem):
    type = "urn:problem:identity:request-decided"
    status = 409
    title = "Demande déjà décidée"
    detail = "Cette demande a déjà reçu une autre décision : rechargez la liste pour la voir."


class RequestStatus(StrEnum):
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class DeskRequest(Moves[RequestStatus]):
    """What each table of them has; decided, it says by whom and why."""

    TRANSITIONS: ClassVar = {
        RequestStatus.WAITING: frozenset({RequestStatus.ACCEPTED, RequestStatus.REFUSED}),
        RequestStatus.ACCEPTED: frozenset(),
        RequestStatus.REFUSED: frozenset(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[RequestStatus] = state(RequestStatus)
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    created_at: Mapped[datetime]
    reason: Mapped[str | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]


def decided() -> CheckConstraint:
    return CheckConstraint(
        "(status <> 'waiting') = (decided_at IS NOT NULL AND decided_by IS NOT NULL AND reason IS NOT NULL)",
        name="decided",
    )


R = TypeVar("R", bound=DeskRequest)


async def ask(session: AsyncSession, kind: type[R], asked: Mapping[str, Any], now: datetime, *, most: int) -> None:
    """Keep the request for an agent; the same one waits once. Raises TooManyWaiting where `most` wait already."""
    # One at a time, or many at once would all still find room.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(kind.__name__, 0))))
    waiting = select(func.count()).select_from(kind).where(kind.status == RequestStatus.WAITING)
    if (await session.scalar(waiting) or 0) >= most:
        raise TooManyWaiting(retry_after_s=3600)
    kept = insert(kind).values(id=new_id(), version=1, status=RequestStatus.WAITING, created_at=now, **asked)
    await session.execute(kept.on_conflict_do_nothing())


async def oldest(
    session: AsyncSession, kind: type[R], status: RequestStatus, most: int, after: UUID | None
) -> Sequence[R]:
    """So many of the requests of that status, oldest first, or of those after that one."""
    query = select(kind).where(kind.status == status).order_by(kind.id).limit(most)
    return (await session.scalars(query if after is None else query.where(kind.id > after))).all()


async def one(session: AsyncSession, kind: type[R], request_id: UUID) -> R:
    """Whatever its state. Raises NotFound."""
    request = await session.get(kind, request_id)
    if request is None:
        raise NotFound
    return request


async def decide(
    session: AsyncSession, kind: type[R], request_id: UUID, by: Reach, decision: Mapping[str, Any], now: datetime
) -> tuple[R, bool]:
    """The request, locked, with the columns of that decision, its `status` among them; whether that is news.

    Raises NotFound, AlreadyDecided.
    """
    request = await session.get(kind, request_id, with_for_update=True)
    if request is None:
        raise NotFound
    note(session, reason=None)  # it stands in the request, for as long as that one
    if request.status != RequestStatus.WAITING:
        if any(getattr(request, name) != value for name, value in decision.items()):
            raise AlreadyDecided
        return request, False
    request.move(decision["status"])
    for name, value in {**decision, "decided_by": by.sub, "decided_at": now}.items():
        setattr(request, name, value)
    return request, True
