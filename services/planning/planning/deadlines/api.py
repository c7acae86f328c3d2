"""HTTP: the deadlines of every activity; for administrators the town's calendar and the rules."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Paged
from chassis.database import Session
from chassis.editing import SeenVersion, etag
from chassis.policies import Policy
from chassis.problems import Malformed, NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Response
from french.paris import day_in_paris

from planning.deadlines import activity_rules, calendar_days, rules, schemas, touching
from planning.deadlines.rules import Day
from planning.slots import recounting

router = APIRouter(tags=["deadlines"])

Anybody = Annotated[
    Reach,
    Depends(
        Policy("guardian", "agent", "cashier", "administrator", "site_staff", "integrator", reach="town"),
    ),
]
Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]
Preview = Annotated[bool, Query(description="true: nothing is stored, the answer says what would change")]

#: A month and what a month's grid shows around it.
LONGEST = timedelta(days=62)
USUAL = timedelta(days=30)


@router.get("/deadlines")
@problems(NotFound)
async def read_deadlines(
    reach: Anybody,
    session: Session,
    from_: Annotated[Day | None, Query(alias="from", description="today in Paris, where nothing is said")] = None,
    to: Annotated[Day | None, Query(description="at most 62 days after the first")] = None,
) -> schemas.DeadlinesAnswer:
    """Until when each coming day of every activity may be booked and given up, and each holiday week."""
    now = clock.now()
    first, last = _period(from_, to, day_in_paris(now))
    calendar = (await calendar_days.read(session)).calendar
    activities = await activity_rules.of_every_activity(session)
    return schemas.DeadlinesAnswer(
        from_=first,
        to=last,
        activities=[
            schemas.ActivityDeadlines(
                **dict(schemas.RulesAnswer.of(activity)),
                days=[schemas.DayAnswer.of(day, now) for day in rules.days(activity.rules, calendar, first, last)],
            )
            for activity in activities
        ],
        holiday_weeks=[
            schemas.WeekDeadlines.of(week, now) for week in await activity_rules.weeks(session, first, last)
        ],
    )


def _period(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """The days asked for; raises Malformed for an end before the beginning, or too long a period."""
    first = first or today
    last = last or first + USUAL
    if last < first:
        said = "La fin de la période précède son début."
    elif last - first > LONGEST:
        said = f"La période compte {LONGEST.days} jours au plus : demandez-en une plus courte."
    else:
        return first, last
    raise Malformed(errors=[{"pointer": "/query/to", "detail": said}])


@router.get("/calendar")
@problems(NotFound)
async def read_calendar(reach: Administrator, session: Session, response: Response) -> schemas.CalendarAnswer:
    edition = await calendar_days.read(session)
    response.headers["ETag"] = etag(edition.version)
    return schemas.CalendarAnswer.of(edition.calendar, day_in_paris(clock.now()))


@router.put("/calendar")
@problems(NotFound)
async def change_calendar(
    reach: Administrator,
    session: Session,
    seen: SeenVersion,
    wanted: schemas.CalendarChange,
    paging: Paged,
    response: Response,
    preview: Preview = False,
) -> schemas.CalendarChanged:
    """Say on which days the town is closed; the coming days whose deadlines change by it are told.

    What is reserved stays so: a preview says whose days that touches, page by page; else these families are told.
    """
    now = clock.now()
    today = day_in_paris(now)
    closed = {one.date: one.name for one in wanted.closed_days}
    edition, changes = await calendar_days.close(session, seen, closed, today, preview=preview)
    response.headers["ETag"] = etag(edition.version)
    whom = await touching.follow(session, changes, paging, preview=preview)
    return schemas.CalendarChanged.of(edition.calendar, changes, whom, today, now)


@router.get("/activities/{activity_id}/rules")
async def read_rules(
    activity_id: UUID, reach: Administrator, session: Session, response: Response
) -> schemas.RulesAnswer:
    activity = await activity_rules.read(session, activity_id)
    response.headers["ETag"] = etag(activity.version)
    return schemas.RulesAnswer.of(activity)


@router.put("/activities/{activity_id}/rules")
@problems(activity_rules.HolidayActivity, recounting.PlacesTaken)
async def change_rules(
    activity_id: UUID,
    reach: Administrator,
    session: Session,
    seen: SeenVersion,
    wanted: rules.Rules,
    paging: Paged,
    response: Response,
    preview: Preview = False,
) -> schemas.RulesChanged:
    """Say when an activity takes place and until when; the coming days whose deadlines change by it are told.

    What is reserved stays so: a preview says whose days that touches, page by page; else these families are told.
    """
    now = clock.now()
    calendar = (await calendar_days.read(session)).calendar
    activity, changes = await activity_rules.replace(
        session, seen, activity_id, wanted, calendar, day_in_paris(now), preview=preview
    )
    response.headers["ETag"] = etag(activity.version)
    whom = await touching.follow(session, changes, paging, preview=preview)
    return schemas.RulesChanged.of(activity, changes, whom, now)
