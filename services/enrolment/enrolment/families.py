"""What enrolment knows of dossiers and children: copies kept from dossier's events."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from chassis.database import fetch
from chassis.problems import NotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.models import Booking, Child, Dossier


@dataclass(frozen=True)
class Family:
    """A dossier (none while its copy has not arrived) and those of its children that were asked for, by id."""

    dossier: Dossier | None
    children: dict[UUID, Child]


_CHILDREN = """
    SELECT child.id, child.dossier_ids, child.first_name, child.birth_date, child.version,
           dossier.number, dossier.status, dossier.missing, dossier.version AS dossier_version
    FROM children child LEFT JOIN dossiers dossier ON dossier.id = $2
    WHERE child.id = ANY($1) AND child.dossier_ids @> ARRAY[$2::uuid]
"""


async def find_family(session: AsyncSession, dossier_id: UUID, child_ids: Collection[UUID]) -> Family:
    """Raises NotFound unless every one of the children (one or more) is of that dossier."""
    rows = await fetch(session, _CHILDREN, list(child_ids), dossier_id)
    if len(rows) < len(set(child_ids)):
        raise NotFound
    *_, number, status, missing, version = rows[0]
    known = Dossier(id=dossier_id, number=number, status=status, missing=missing, version=version)
    children = (Child(id=i, dossier_ids=d, first_name=n, birth_date=b, version=v) for i, d, n, b, v, *_ in rows)
    return Family(known if version else None, {child.id: child for child in children})


async def children_of(session: AsyncSession, booking: Booking) -> Mapping[UUID, Child]:
    """Those of the booking's lines, by id."""
    query = select(Child).where(Child.id.in_({line.child_id for line in booking.lines}))
    return {child.id: child for child in await session.scalars(query)}
