"""Holiday weeks as the administrator has them, over HTTP; families see them with their bookings."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.database import Session
from chassis.editing import SeenVersion, tagged
from chassis.policies import Policy
from chassis.problems import problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Response

from enrolment.holiday_weeks import editing
from enrolment.holiday_weeks.schemas import NewWeek, WeekChange, WeekEdition

router = APIRouter(tags=["catalogue"])

Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]


@router.post("/holiday-weeks", status_code=201)
@problems(editing.WeekExists)
async def add_week(body: NewWeek, _: Administrator, session: Session, response: Response) -> WeekEdition:
    edition = await editing.add(session, body.columns(), clock.now())
    tagged(response, edition.week)
    return WeekEdition.of(edition)


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
    response: Response,
) -> WeekEdition:
    """Change places with a reason, moments, ages; its days only while nobody has booked them."""
    edition = await editing.change(session, reach, seen, holiday_week_id, body.columns(), body.reason, clock.now())
    tagged(response, edition.week)
    return WeekEdition.of(edition)
