"""Link requests: a family that could not prove its dossier asks an agent."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.identifiers import new_id
from chassis.problems import Problem
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.registrations.models import LinkRequest


class TooManyWaiting(Problem):
    type = "urn:problem:identity:link-requests-waiting"
    status = 429
    title = "Trop de demandes en attente"
    detail = (
        "Beaucoup de demandes attendent déjà une réponse de la mairie : réessayez dans quelques heures, ou"
        " adressez-vous au guichet."
    )


class Asked(NamedTuple):
    dossier_number: str | None
    first_name: str
    last_name: str
    email: str


async def ask(session: AsyncSession, asked: Asked, now: datetime, *, most: int) -> None:
    """Keep the request for an agent; the same one waits once. Raises TooManyWaiting where `most` wait already."""
    # One at a time, or many at once would all still find room.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("link_requests", 0))))
    if (await session.scalar(select(func.count()).select_from(LinkRequest)) or 0) >= most:
        raise TooManyWaiting(retry_after_s=3600)
    kept = insert(LinkRequest).values(id=new_id(), created_at=now, **asked._asdict())
    await session.execute(kept.on_conflict_do_nothing())


async def oldest(session: AsyncSession, most: int, after: UUID | None) -> Sequence[LinkRequest]:
    """So many of the requests, oldest first, or of those after that one."""
    query = select(LinkRequest).order_by(LinkRequest.id).limit(most)
    if after:
        query = query.where(LinkRequest.id > after)
    return (await session.scalars(query)).all()
