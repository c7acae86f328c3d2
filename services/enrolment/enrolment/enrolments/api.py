"""Enrolments over HTTP."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.fields import Day, Reason
from chassis.idempotency import OnceOnly
from chassis.policies import Policy
from chassis.problems import Forbidden, NotFound, Problem, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from enrolment.catalogue import listing
from enrolment.catalogue.schemas import ActivityAnswer, Kind
from enrolment.enrolments import eligibility, enrolling, enrolments, rollovers, usual_weeks, withdrawals
from enrolment.enrolments.schemas import (
    BatchAnswer,
    BatchRequest,
    EnrolmentAnswer,
    EnrolmentRequest,
    ResultAnswer,
    RolloverAnswer,
    RolloverRequest,
    UsualWeekRequest,
)
from enrolment.families import find_family

router = APIRouter(tags=["enrolments"])

Anybody = Annotated[
    Reach, Depends(Policy("guardian", "agent", "cashier", "administrator", "site_staff", "integrator", reach="town"))
]
Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]
FamilyOrDesk = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


@router.get("/activities")
@problems(NotFound)
async def list_activities(
    reach: Anybody,
    session: Session,
    paging: Paged,
    kind: Kind | None = None,
    child_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> Page[ActivityAnswer]:
    """The catalogue; with a child, whether each activity is open to it."""
    found = await listing.activities(session, kind, paging.cursor, paging.limit + 1)
    page = paging.page(found, ActivityAnswer.model_validate, lambda activity: activity.id)
    if child_id is not None:
        if reach.role not in ("guardian", "agent"):
            raise Forbidden
        family = await find_family(session, reach.acting(dossier_id), child_id)
        refused = await eligibility.refusals(session, found, family, clock.now())
        for item in page.items:
            if why := refused.get(item.id):
                item.reason_code, item.reason = why.why, why.detail
            item.open = why is None
    return page


@router.post("/enrolments", status_code=201, response_model=EnrolmentAnswer)
@problems(NotFound, enrolling.NotOpen, enrolling.AlreadyEnrolled)
async def enrol(body: EnrolmentRequest, reach: FamilyOrDesk, session: Session, once: OnceOnly) -> Response:
    """« Inscrire »: planning answers later which days of the usual week it has reserved."""
    acting = reach.acting(body.dossier_id, body.override_reason)

    async def enrolled() -> BaseModel:
        (outcome,) = await enrolling.enrol(session, acting, [body.wish()], clock.now())
        if isinstance(outcome, Problem):
            raise outcome
        return EnrolmentAnswer.of(outcome)

    return await once.answer(session, 201, enrolled)


@router.post("/enrolments/batch", response_model=BatchAnswer)
@problems(NotFound)
async def enrol_several(body: BatchRequest, reach: FamilyOrDesk, session: Session, once: OnceOnly) -> Response:
    """Several children at once, each with its own result: what one is refused keeps no other from it."""
    acting = reach.acting(body.dossier_id, body.override_reason)

    async def enrolled() -> BaseModel:
        wishes = body.wishes()
        outcomes = await enrolling.enrol(session, acting, wishes, clock.now())
        return BatchAnswer(results=[ResultAnswer.of(*one) for one in zip(wishes, outcomes, strict=True)])

    return await once.answer(session, 200, enrolled)


@router.get("/enrolments")
@problems(NotFound)
async def list_enrolments(
    reach: FamilyOrDesk,
    session: Session,
    paging: Paged,
    child_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> Page[EnrolmentAnswer]:
    """The family's, or one child's, the newest first."""
    acting = reach.acting(dossier_id)
    if child_id is not None:
        await find_family(session, acting, child_id)
    found = await enrolments.listed(session, acting, child_id, paging.cursor, paging.limit + 1)
    return paging.page(found, EnrolmentAnswer.of, lambda one: one.id)


@router.get("/enrolments/{enrolment_id}")
@problems(NotFound)
async def read_enrolment(
    enrolment_id: UUID, reach: FamilyOrDesk, session: Session, dossier_id: UUID | None = None
) -> EnrolmentAnswer:
    return EnrolmentAnswer.of(await enrolments.read(session, reach.acting(dossier_id), enrolment_id))


@router.put("/enrolments/{enrolment_id}/usual-week", status_code=202)
@problems(NotFound, enrolments.EnrolmentOver, usual_weeks.TooManyWishes)
async def change_usual_week(
    enrolment_id: UUID, body: UsualWeekRequest, reach: FamilyOrDesk, session: Session
) -> EnrolmentAnswer:
    """Ask for these weekdays and no others: planning answers what it made of it."""
    acting = reach.acting(body.dossier_id, body.override_reason)
    return EnrolmentAnswer.of(await usual_weeks.wish(session, acting, enrolment_id, body.wish(), clock.now()))


@router.delete("/enrolments/{enrolment_id}", status_code=202)
@problems(NotFound, enrolments.EnrolmentOver)
async def withdraw(
    enrolment_id: UUID,
    reach: FamilyOrDesk,
    session: Session,
    first_without: Annotated[Day | None, Query(alias="from")] = None,
    dossier_id: UUID | None = None,
    override_reason: Reason | None = None,
) -> EnrolmentAnswer:
    """From that day on, or from the next possible one: planning answers which days are cancelled and which stay due."""
    acting = reach.acting(dossier_id, override_reason)
    return EnrolmentAnswer.of(await withdrawals.withdraw(session, acting, enrolment_id, first_without, clock.now()))


@router.post("/enrolment-rollovers", response_model=RolloverAnswer)
async def roll_over(
    body: RolloverRequest, reach: Administrator, session: Session, once: OnceOnly, preview: bool = False
) -> Response:
    """Enrol in that school year who is enrolled in the one before; a preview says what would come of it."""

    async def rolled_over() -> BaseModel:
        rollover = await rollovers.roll_over(
            session, reach, body.school_year, clock.now(), usual_weeks=body.usual_weeks, preview=preview
        )
        return RolloverAnswer.of(rollover, preview=preview)

    return await once.answer(session, 200, rolled_over)
