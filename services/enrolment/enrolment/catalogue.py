"""The catalogue as families see it: sites, activities, and the holiday weeks of a child's age."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.eligibility import dossier_refusal, refusal, suits_age
from enrolment.families import Family
from enrolment.models import Activity, BookingLine, Child, HolidayWeek, Site


@dataclass(frozen=True)
class Offer:
    """A week for one child; `reason` says in French why it cannot be booked (none: it can)."""

    week: HolidayWeek
    reason: str | None


async def sites(session: AsyncSession) -> list[Site]:
    return list((await session.scalars(select(Site).order_by(Site.name))).all())


async def activities(session: AsyncSession, kind: str | None) -> list[Activity]:
    query = select(Activity).order_by(Activity.name)
    return list((await session.scalars(query.where(Activity.kind == kind) if kind else query)).all())


def kind_refusal(kind: str, family: Family) -> str | None:
    """Why the family cannot use such activities, or none. The canteen is a right, whatever the dossier lacks."""
    return None if kind == "restauration" else dossier_refusal(family.dossier)


async def offers(
    session: AsyncSession, family: Family, child: Child, since: date, cursor: UUID | None, limit: int, now: datetime
) -> list[Offer]:
    """The weeks of the child's age that begin from `since` on, by date and centre, after the one named by `cursor`."""
    order = (func.lower(HolidayWeek.period), HolidayWeek.centre, HolidayWeek.id)
    busy_line = (
        select(BookingLine.child_id)
        .where(BookingLine.child_id == child.id, BookingLine.active, BookingLine.period.overlaps(HolidayWeek.period))
        .exists()
    )
    query = select(HolidayWeek, busy_line).where(order[0] >= since).order_by(*order)
    if cursor is not None:
        query = query.where(tuple_(*order) > select(*order).where(HolidayWeek.id == cursor).scalar_subquery())
    found = []
    for week, busy in await session.execute(query):
        if suits_age(week, child):
            found.append(Offer(week, _reason(week, child, family, busy, now)))
            if len(found) == limit:
                break
    return found


def _reason(week: HolidayWeek, child: Child, family: Family, busy: bool, now: datetime) -> str | None:
    if why := refusal(week, child, family.dossier, now):
        return why
    if busy:
        return f"{child.first_name} a déjà une réservation à ces dates."
    if week.taken >= week.places:
        return "Cette semaine est complète : choisissez-en une autre."
    return None
