"""« Tout est exact »: what a family says of its dossier each school year."""

from datetime import datetime
from uuid import UUID

from chassis.reach import Reach
from french.calendar import school_year
from french.paris import day_in_paris
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import dossiers
from dossier.models import Certification, Dossier


async def certify(session: AsyncSession, reach: Reach, dossier_id: UUID, now: datetime) -> Dossier:
    """Of the present school year; once said it stays said. Raises NotFound."""
    dossier = await dossiers.edited(session, reach, dossier_id)
    year = school_year(day_in_paris(now))
    if all(one.school_year != year for one in dossier.certifications):
        dossier.certifications.append(
            Certification(dossier_id=dossier.id, school_year=year, certified_at=now, certified_by=reach.sub)
        )
        await dossiers.changed(session, dossier)
    return dossier
