"""What enrolment knows of a family."""

from dataclasses import dataclass
from uuid import UUID

from chassis.problems import NotFound
from chassis.reach import Acting
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.copies import Child, Dossier


@dataclass(frozen=True)
class Family:
    """A child, and the dossier acted for that it is of (none while its copy has not arrived)."""

    child: Child
    dossier_id: UUID
    dossier: Dossier | None


async def find_family(session: AsyncSession, acting: Acting, child_id: UUID) -> Family:
    """Raises NotFound unless the child is of the dossier acted for."""
    child = await session.get(Child, child_id)
    if child is None or acting.dossier_id not in child.dossier_ids:
        raise NotFound
    return Family(child, acting.dossier_id, await session.get(Dossier, acting.dossier_id))
