"""What of the catalogue is open to a child."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from french.paris import day_in_paris
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue import house_rules, school_years
from enrolment.catalogue.models import Activity
from enrolment.catalogue.rules import Refusal, activity_refusal
from enrolment.enrolments.models import Enrolment
from enrolment.enrolments.rules import EnrolmentStatus
from enrolment.families import Family


async def refusals(
    session: AsyncSession, found: Sequence[Activity], family: Family, now: datetime
) -> dict[UUID, Refusal]:
    """Why activities are not open to the child in the current school year, by activity."""
    year = await school_years.current(session, day_in_paris(now))
    accepted = year is not None and await house_rules.accepted(session, family.dossier_id, year.name)
    enrolled = await session.scalars(
        select(Enrolment.activity_id).where(
            Enrolment.child_id == family.child.id,
            Enrolment.school_year == (year.name if year else None),
            Enrolment.status == EnrolmentStatus.ACTIVE,
        )
    )
    there = set(enrolled)
    judged = {
        activity.id: activity_refusal(
            activity, family.child, family.dossier, year, now, accepted=accepted, enrolled=activity.id in there
        )
        for activity in found
    }
    return {activity_id: refused for activity_id, refused in judged.items() if refused}
