"""Holiday weeks as the administrator has them, over HTTP; families see them with their bookings."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.editing import SeenVersion, tagged, tried
from chassis.fields import Day
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Response

from enrolment.holiday_weeks import editing, touching
from enrolment.holiday_weeks.schemas import NewWeek, WeekChange, WeekEdited, WeekEdition

router = APIRouter(tags=["catalogue"])

Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]
Preview = Annotated[bool, Query(description="true: nothing is stored, the answer says whom it would touch")]


@router.post("/holiday-weeks", status_code=201)
@problems(editing.WeekExists)
async def add_week(body: NewWeek, _: Administrator, session: Session, response: Response) -> WeekEdition:
    edition = await editing.add(session, body.columns(), clock.now())
    tagged(response, edition.week)
    return WeekEdition.of(edition)


@router.get("/activities/{activity_id}/holiday-weeks")
@problems(NotFound)
async def list_weeks(
    activity_id: UUID,
    _: Administrator,
    session: Session,
    paging: Paged,
    since: Annotated[Day | None, Query(alias="from")] = None,
) -> Page[WeekEdition]:
    """Those of an activity in the order of the calendar, from the week of that day on."""
    found = await editing.page(session, activity_id, since, paging.cursor, paging.limit + 1)
    return paging.page(found, WeekEdition.of, lambda edition: edition.week.id)


@router.get("/holiday-weeks/{holiday_week_id}")
async def read_week(holiday_week_id: UUID, _: Administrator, session: Session, response: Response) -> WeekEdition:
    edition = await editing.read(session, holiday_week_id)
    tagged(response, edition.week)
    return WeekEdition.of(edition)


@router.patch("/holiday-weeks/{holiday_week_id}")
@problems(editing.PlacesTaken, editing.WeekBooked)
async def change_week(
    holiday_week_id: UUID,
    body: WeekChange,
    reach: Administrator,
    session: Session,
    seen: SeenVersion,
    paging: Paged,
    response: Response,
    preview: Preview = False,
) -> WeekEdited:
    """Change places with a reason, moments, ages; its days only while nobody has booked them.

    A preview says, page by page, whose booking would no longer be taken, and what becomes of those who wait.
    """
    wanted, whom = (holiday_week_id, body.columns(), body.reason, clock.now()), None
    async with tried(session, preview=preview):
        if preview:
            edition, whom = await touching.change(session, reach, seen, *wanted, paging)
        else:
            edition = await editing.change(session, reach, seen, *wanted)
        answer = WeekEdited.of(edition, whom)
    tagged(response, (await editing.read(session, holiday_week_id)).week)
    return answer
