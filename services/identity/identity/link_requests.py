"""Link requests: a family that could not prove its dossier asks an agent."""

from datetime import datetime
from uuid import UUID

from chassis.identifiers import new_id
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import LinkRequest


def ask(
    session: AsyncSession, dossier_number: str | None, first_name: str, last_name: str, email: str, now: datetime
) -> None:
    """Keep the request for an agent."""
    session.add(
        LinkRequest(
            id=new_id(),
            dossier_number=dossier_number,
            first_name=first_name,
            last_name=last_name,
            email=email,
            created_at=now,
        )
    )


async def oldest(session: AsyncSession, limit: int, after: UUID | None) -> tuple[list[LinkRequest], UUID | None]:
    """A page of the requests, oldest first, and the cursor of the next page."""
    query = select(LinkRequest).order_by(LinkRequest.id).limit(limit + 1)
    if after:
        query = query.where(LinkRequest.id > after)
    found = list(await session.scalars(query))
    return found[:limit], found[limit - 1].id if len(found) > limit else None
