"""Health records, opened for a family's copy of all that is held about it: a read like any other."""

from typing import Any

from chassis import clock
from chassis.export import Held
from chassis.reach import Reach
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import accesses
from dossier.health.models import HealthRecord
from dossier.health.records import opened
from dossier.models import dossier_children

REASON = "Copie de ses données"


async def also_held(session: AsyncSession, settings: Any, reach: Reach) -> list[Held]:
    """Nothing of a caller who has no dossier, nor of children of whom nothing was written."""
    if reach.dossier_id is None:
        return []
    own = select(HealthRecord).join(dossier_children, dossier_children.c.child_id == HealthRecord.child_id)
    records = (await session.scalars(own.where(dossier_children.c.dossier_id == reach.dossier_id))).all()
    rows = []
    for record in records:
        accesses.log(session, reach, record.child_id, clock.now(), reason=REASON)
        rows.append({"child_id": str(record.child_id), **opened(settings.ring, record).model_dump(mode="json")})
    return [Held(name="Fiche sanitaire", table=HealthRecord.__tablename__, rows=rows)] if rows else []
