"""Which school year it is."""

from datetime import date

from chassis.problems import NotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue.models import SchoolYear


async def current(session: AsyncSession, today: date) -> SchoolYear | None:
    """The running one, in summer the next; none where the town has said nothing of it."""
    coming = select(SchoolYear).where(SchoolYear.last_day >= today).order_by(SchoolYear.first_day).limit(1)
    return await session.scalar(coming)


async def of(session: AsyncSession, day: date) -> SchoolYear | None:
    """The one that has this day of school, if any."""
    return await session.scalar(
        select(SchoolYear).where(SchoolYear.first_day <= day, SchoolYear.last_day >= day).limit(1)
    )


async def find(session: AsyncSession, name: str | None, today: date) -> SchoolYear:
    """The one of that name, else the current one. Raises NotFound."""
    year = await session.get(SchoolYear, name) if name else await current(session, today)
    if year is None:
        raise NotFound
    return year
