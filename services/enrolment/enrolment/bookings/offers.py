"""The holiday weeks that a child may want, each with what stands in the way of booking it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import DateTime, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings.models import BookingLine
from enrolment.catalogue.listing import behind
from enrolment.catalogue.models import HolidayWeek
from enrolment.catalogue.rules import refusal
from enrolment.families import Family


@dataclass(frozen=True)
class Offer:
    """A week for one child; `reason` says in French why it cannot be booked (none: it can)."""

    week: HolidayWeek
    reason: str | None

    @property
    def bookable(self) -> bool:
        return self.reason is None


async def weeks(
    session: AsyncSession, family: Family, since: date, cursor: UUID | None, limit: int, now: datetime
) -> list[Offer]:
    """The weeks of the child's age that begin from `since` on, by date and centre, after the one named by `cursor`."""
    child, first_day = family.child, func.lower(HolidayWeek.period)
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
    found = await session.execute(query.where(behind(cursor, order)).order_by(*order).limit(limit))
    return [Offer(week, _reason(week, family, busy, now)) for week, busy in found]


def _reason(week: HolidayWeek, family: Family, busy: bool, now: datetime) -> str | None:
    if why := refusal(week, family.child, family.dossier, now):
        return why
    if busy:
        return f"{family.child.first_name} a déjà une réservation à ces dates."
    if week.places_left <= 0:
        return "Cette semaine est complète : inscrivez-vous sur la liste d'attente, ou choisissez une autre semaine."
    return None
