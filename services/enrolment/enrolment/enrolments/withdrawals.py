"""Withdrawing a child from an activity from a day on: planning judges the days that are given up, and answers."""

from datetime import date, datetime
from uuid import UUID

from chassis.outbox import publish
from chassis.problems import Malformed
from chassis.reach import Acting
from french.calendar import DAY
from french.paris import day_in_paris
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue.models import Activity
from enrolment.copies import Child
from enrolment.enrolments import notices
from enrolment.enrolments.enrolments import EnrolmentOver, actor, event_of, find
from enrolment.enrolments.models import Enrolment
from enrolment.enrolments.rules import EnrolmentStatus, leaving_day, leaving_refusal, over


async def withdraw(
    session: AsyncSession, acting: Acting, enrolment_id: UUID, first_without: date | None, now: datetime
) -> Enrolment:
    """From that day (none: the next that may be). What is left already stays as it is, unless for an earlier day.

    Raises NotFound, EnrolmentOver, Malformed.
    """
    enrolment, today = await find(session, acting, enrolment_id), day_in_paris(now)
    withdrawn = enrolment.status is EnrolmentStatus.WITHDRAWN
    if withdrawn and (first_without is None or first_without > enrolment.valid_to):
        return enrolment
    if over(enrolment, today):
        raise EnrolmentOver
    first_without = first_without or leaving_day(enrolment, today)
    if refused := leaving_refusal(first_without, enrolment, today):
        raise Malformed(errors=[{"pointer": "/from", "detail": refused}])
    enrolment.move(EnrolmentStatus.WITHDRAWN)
    enrolment.valid_to = first_without - DAY
    enrolment.withdrawn_at, enrolment.withdrawn_by = now, actor(acting)
    child, activity = await session.get(Child, enrolment.child_id), await session.get(Activity, enrolment.activity_id)
    if child is None or activity is None:
        raise LookupError(f"Enrolment {enrolment.id} is of a child and an activity that are known.")
    await publish(session, event_of(enrolment), *notices.withdrawn(enrolment, child, activity))
    return enrolment
