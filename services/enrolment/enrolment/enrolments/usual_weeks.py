"""Usual weeks: wishes for the weekdays of a period, which planning applies one by one and answers."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.outbox import publish
from chassis.problems import Malformed, Problem
from chassis.reach import Acting
from contracts.enrolment import UsualWeek, Weekday
from french.paris import day_in_paris
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.enrolments.enrolments import EnrolmentOver, actor, event_of, find
from enrolment.enrolments.models import Enrolment
from enrolment.enrolments.rules import MOST_WISHES, over, week_refusals


class TooManyWishes(Problem):
    type = "urn:problem:enrolment:too-many-usual-weeks"
    title = "Trop de semaines habituelles"
    detail = "La semaine habituelle de cette inscription a été changée trop de fois : modifiez les jours au planning."


@dataclass(frozen=True)
class WeekWish:
    """Weekdays asked for, from the first to the last day (none: those of the enrolment)."""

    days: tuple[Weekday, ...]
    first: date | None = None
    last: date | None = None


async def wish(session: AsyncSession, acting: Acting, enrolment_id: UUID, asked: WeekWish, now: datetime) -> Enrolment:
    """Ask for it; the same once more, before planning has answered, changes nothing.

    Raises NotFound, EnrolmentOver, Malformed, TooManyWishes.
    """
    enrolment = await find(session, acting, enrolment_id)
    if over(enrolment, day_in_paris(now)):
        raise EnrolmentOver
    wanted = numbered(enrolment, asked, acting, "", now)
    last = enrolment.usual_weeks[-1] if enrolment.usual_weeks else None
    if enrolment.pending and last is not None and _same(last, wanted):
        return enrolment
    if wanted.number > MOST_WISHES:
        raise TooManyWishes
    enrolment.usual_weeks = (*enrolment.usual_weeks, wanted)
    enrolment.change()
    await publish(session, event_of(enrolment))
    return enrolment


def numbered(enrolment: Enrolment, asked: WeekWish, acting: Acting, pointer: str, now: datetime) -> UsualWeek:
    """The enrolment's next wish. Raises Malformed: `pointer` is where it stands in the request."""
    today = day_in_paris(now)
    first, last = asked.first or max(enrolment.valid_from, today), asked.last or enrolment.valid_to
    if refused := week_refusals(first, last, enrolment, today):
        raise Malformed(errors=[{"pointer": f"{pointer}/{name}", "detail": detail} for name, detail in refused.items()])
    number = len(enrolment.usual_weeks) + 1
    return UsualWeek(
        number=number, valid_from=first, valid_to=last, days=asked.days, asked_at=now, asked_by=actor(acting)
    )


def _same(one: UsualWeek, other: UsualWeek) -> bool:
    def asked(week: UsualWeek) -> object:
        return week.valid_from, week.valid_to, set(week.days), week.asked_by.reason

    return asked(one) == asked(other)
