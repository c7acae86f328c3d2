"""What the desk certifies of a family for the town's waiting list."""

from collections.abc import Sequence
from uuid import UUID

from chassis.editing import Seen
from chassis.problems import Malformed
from chassis.reach import Reach
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import dossiers
from dossier.models import Dossier, Town


async def certify(session: AsyncSession, reach: Reach, seen: Seen, dossier_id: UUID, codes: Sequence[str]) -> Dossier:
    """These criteria, and no others any more. Raises NotFound, Archived, Stale, Malformed."""
    dossier = await dossiers.edited(session, reach, dossier_id, seen)
    known = await session.scalar(select(Town.priorities)) or []
    if errors := [
        {"pointer": f"/priorities/{index}", "detail": f"La commune ne certifie aucun critère « {code} »."}
        for index, code in enumerate(codes)
        if code not in known
    ]:
        raise Malformed(errors=errors)
    dossier.priorities = sorted(set(codes))
    await dossiers.changed(session, dossier)
    return dossier
