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

ORDER = "Les listes d'attente tiennent compte de ces critères dès les prochaines places proposées."


async def certify(
    session: AsyncSession, reach: Reach, seen: Seen, dossier_id: UUID, codes: Sequence[str], *, preview: bool
) -> tuple[Dossier, list[str]]:
    """These criteria, and no others any more: the dossier, and in French what that comes to, which a preview only says.

    Raises NotFound, Archived, Stale, Malformed.
    """
    dossier = await dossiers.edited(session, reach, dossier_id, seen)
    known = await session.scalar(select(Town.priorities)) or []
    if errors := [
        {"pointer": f"/priorities/{index}", "detail": f"La commune ne certifie aucun critère « {code} »."}
        for index, code in enumerate(codes)
        if code not in known
    ]:
        raise Malformed(errors=errors)
    before, after = dossier.priorities, sorted(set(codes))
    touches = [
        *(f"Le critère « {code} » est certifié." for code in after if code not in before),
        *(f"Le critère « {code} » n'est plus certifié." for code in before if code not in after),
    ]
    touches.append(ORDER if touches else "Rien ne change.")
    if not preview:
        dossier.priorities = after
        await dossiers.changed(session, dossier)
    return dossier, touches
