"""The catalogue as families see it: sites, activities, and the holiday weeks of a child's age."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, cast, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.eligibility import dossier_refusal, refusal
from enrolment.families import Family
from enrolment.models import Activity, BookingLine, Child, HolidayWeek, Site


@dataclass(frozen=True)
class Offer:
    """A week for one child; `reason` says in French why it cannot be booked (none: it can)."""

    week: HolidayWeek
    reason: str | None


async def sites(session: AsyncSession, cursor: UUID | None, limit: int) -> list[Site]:
    """By name, after the one named by `cursor`."""
    order = Site.name, Site.id
    query = select(Site).where(_behind(cursor, order)).order_by(*order).limit(limit)
    return list((await session.scalars(query)).all())


async def activities(session: AsyncSession, kind: str | None, cursor: UUID | None, limit: int) -> list[Activity]:
    """Of that kind (none: of every kind) by name, after the one named by `cursor`."""
    order = Activity.name, Activity.id
    query = select(Activity).where(_behind(cursor, order)).order_by(*order).limit(limit)
    return list((await session.scalars(query.where(Activity.kind == kind) if kind else query)).all())


def _behind(cursor: UUID | None, order: tuple[Any, ...]) -> ColumnElement[bool]:
    """Whether a row comes after the one named by `cursor` in that order, whose last column is the id."""
    if cursor is None:
        return true()
    last = (select(column).where(order[-1] == cursor).scalar_subquery() for column in order)
    return tuple_(*order) > tuple_(*last)  # column by column, so that the index leads there


def kind_refusal(kind: str, family: Family) -> str | None:
    """Why the family cannot use such activities, or none. The canteen is a right, whatever the dossier lacks."""
    return None if kind == "restauration" else dossier_refusal(family.dossier)


async def offers(
    session: AsyncSession, family: Family, child: Child, since: date, cursor: UUID | None, limit: int, now: datetime
) -> list[Offer]:
    """The weeks of the child's age that begin from `since` on, by date and centre, after the one named by `cursor`."""
    first_day = func.lower(HolidayWeek.period)
    age = func.date_part("year", func.age(cast(first_day, DateTime), cast(child.birth_date, DateTime)))
    busy_line = (
        select(BookingLine.child_id)
        .where(BookingLine.child_id == child.id, BookingLine.active, BookingLine.period.overlaps(HolidayWeek.period))
        .exists()
    )
    query = select(HolidayWeek, busy_line).where(
        first_day >= since, age.between(HolidayWeek.min_age, HolidayWeek.max_age)
    )
    order = (first_day, HolidayWeek.centre, HolidayWeek.id)
    found = await session.execute(query.where(_behind(cursor, order)).order_by(*order).limit(limit))
    return [Offer(week, _reason(week, child, family, busy, now)) for week, busy in found]


def _reason(week: HolidayWeek, child: Child, family: Family, busy: bool, now: datetime) -> str | None:
    if why := refusal(week, child, family.dossier, now):
        return why
    if busy:
        return f"{child.first_name} a déjà une réservation à ces dates."
    if week.taken >= week.places:
        return "Cette semaine est complète : choisissez-en une autre."
    return None
