"""What who looks after children must know of them today: of those who are at their site, or soon will be."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from chassis.problems import NotFound
from chassis.reach import Reach
from french.paris import day_in_paris
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import accesses
from dossier.copies import Booking, Enrolment
from dossier.health import records
from dossier.health.models import HealthRecord
from dossier.health.rules import Stay, looked_after_at, school_stay
from dossier.health.schemas import Brief, HealthContent
from dossier.keys import Ring
from dossier.models import Child, Schooling

REASON = "Accueil du jour"
#: Bookings whose days are to be had.
STANDING = ("confirmed", "paid")


async def brief(
    session: AsyncSession, ring: Ring, reach: Reach, child_ids: Sequence[UUID], now: datetime
) -> list[Brief]:
    """One for each, in the order asked, and that each was read. Raises NotFound where one of them is at no site of
    theirs.
    """
    wanted, today = list(dict.fromkeys(child_ids)), day_in_paris(now)
    stays = await _stays(session, wanted)
    sites = {child_id: looked_after_at(stays[child_id], reach.site_ids, today) for child_id in wanted}
    children = {child.id: child for child in await session.scalars(select(Child).where(Child.id.in_(wanted)))}
    if None in sites.values() or len(children) < len(wanted):
        raise NotFound
    found = await session.scalars(select(HealthRecord).where(HealthRecord.child_id.in_(wanted)))
    contents = {record.child_id: records.opened(ring, record) for record in found}
    for child_id in wanted:
        accesses.log(session, reach, child_id, now, reason=REASON, site_id=sites[child_id])
    return [_brief(children[child_id], contents.get(child_id, HealthContent()), today) for child_id in wanted]


def _brief(child: Child, content: HealthContent, today: date) -> Brief:
    pai = content.pai if content.pai and content.pai.valid_from <= today <= content.pai.valid_to else None
    return Brief(
        child_id=child.id,
        first_name=child.first_name,
        last_name=child.last_name,
        birth_date=child.birth_date,
        menu=child.menu,
        allergies=content.allergies,
        treatments=content.treatments,
        pai=pai,
        doctor=content.doctor,
        remarks=content.remarks,
    )


async def _stays(session: AsyncSession, child_ids: Sequence[UUID]) -> dict[UUID, list[Stay]]:
    """Where these children go to school, are enrolled and have holiday weeks."""
    stays: dict[UUID, list[Stay]] = defaultdict(list)
    for year in await session.scalars(select(Schooling).where(Schooling.child_id.in_(child_ids))):
        stays[year.child_id].append(school_stay(year.school_id, year.school_year))
    for one in await session.scalars(select(Enrolment).where(Enrolment.child_id.in_(child_ids))):
        if one.site_id is not None:
            stays[one.child_id].append(Stay(one.site_id, one.valid_from, one.valid_to))
    standing = select(Booking).where(Booking.child_ids.overlap(child_ids), Booking.status.in_(STANDING))
    for booking in await session.scalars(standing):
        for line in booking.lines:
            if line["status"] == "active":
                days = [date.fromisoformat(day) for day in line["dates"]]
                stays[UUID(line["child_id"])].append(Stay(UUID(line["site_id"]), min(days), max(days)))
    return stays
