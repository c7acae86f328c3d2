"""HTTP: the planning of a family."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Driver, Session
from chassis.desk import READING
from chassis.editing import SeenVersion, etag
from chassis.idempotency import OnceOnly
from chassis.policies import Policy
from chassis.problems import Forbidden, Malformed, NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Response
from french.calendar import first_day

from planning.drafts import drafts
from planning.plannings import attempts, copying, history, reading, validating
from planning.plannings.schemas import (
    CopyAnswer,
    DraftAnswer,
    EntryAnswer,
    PlanningAnswer,
    Receipt,
    Validation,
    WeekCopy,
)
from planning.reservations import changing, notices
from planning.reservations.schemas import Month, MonthChanges

router = APIRouter(tags=["plannings"])

Guardian = Annotated[Reach, Depends(Policy("guardian", reach="dossier"))]
GuardianOrAgent = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


async def _arrival() -> datetime:
    return clock.now()


#: When the request came, declared before whatever it may have to wait for.
Arrival = Annotated[datetime, Depends(_arrival)]


@router.get("/plannings", response_model=PlanningAnswer)
@problems(NotFound)
async def read_planning(
    month: Annotated[Month, Query(description="YYYY-MM")],
    reach: GuardianOrAgent,
    connection: Driver,
    child_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> Response:
    """A month of one child or of all, day by day; its ETag is that of all the dossier's reservations of the month."""
    found = await reading.planning(connection, reach, first_day(month), dossier_id, child_id, clock.now())
    # What is made of our own rows is not checked again: the answer is said 20 times faster than it would be.
    answer = PlanningAnswer.model_construct(month=month, version=found.version, rows=found.rows, draft=found.draft)
    headers = {"ETag": etag(found.version)}
    return Response(answer.model_dump_json().encode(), media_type="application/json", headers=headers)


@router.get("/plannings/history")
@problems(NotFound)
async def read_history(
    month: Annotated[Month, Query(description="YYYY-MM")],
    reach: GuardianOrAgent,
    paging: Paged,
    connection: Driver,
    child_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> Page[EntryAnswer]:
    """Who changed what of a month, of one child or of all, and when: the newest first."""
    own = await reading.whose(connection, reach, dossier_id, child_id)
    found = await history.entries(connection, reach, own, first_day(month), child_id, paging)
    return paging.page(found, EntryAnswer.model_validate, lambda one: one.id)


@router.put("/plannings/draft")
@problems(NotFound, Forbidden)
async def keep_draft(body: MonthChanges, reach: Guardian, connection: Driver) -> DraftAnswer:
    """« Conserver en brouillon »: kept for this guardian alone, in place of the month's draft before; nothing is
    reserved. Each change says until when it can be validated, or why it cannot any more.
    """
    now = clock.now()
    await drafts.keep(connection, reach, body.first_day, body.wanted(), now)
    draft = await reading.draft(connection, reach, body.first_day, now)
    return DraftAnswer(month=body.month, kept_at=draft.kept_at, changes=draft.changes)


@router.delete("/plannings/draft", status_code=204)
async def drop_draft(
    month: Annotated[Month, Query(description="YYYY-MM")],
    reach: Annotated[Reach, Depends(Policy("guardian", reach="account"))],
    session: Session,
) -> Response:
    await drafts.drop(session, reach, first_day(month))
    return Response(status_code=204)


@router.post("/plannings/copy-week", dependencies=[READING])
@problems(NotFound)
async def copy_week(body: WeekCopy, reach: GuardianOrAgent, connection: Driver) -> CopyAnswer:
    """What would have to change for other weeks to be like that one, the guardian's draft over it; changes nothing."""
    acting = reach.acting(body.dossier_id)
    if body.week in body.to_weeks:
        said = "C'est la semaine à copier : indiquez-en une autre."
        raise Malformed(errors=[{"pointer": f"/to_weeks/{body.to_weeks.index(body.week)}", "detail": said}])
    found = await copying.copy(connection, acting, body.child_ids, body.week, body.to_weeks, clock.now())
    return CopyAnswer.model_validate(found)


@router.post("/plannings/validate", response_model=Receipt)
@problems(NotFound, drafts.NoDraft, validating.CellsRefused)
async def validate(
    body: Validation, reach: GuardianOrAgent, seen: SeenVersion, once: OnceOnly, now: Arrival, connection: Driver
) -> Response:
    """« Valider »: all of the changes or none; the receipt names each day, and goes by mail too. The draft is over."""
    acting, month, changes = reach.acting(body.dossier_id, body.override_reason), body.first_day, body.wanted()
    earlier = await attempts.moments(connection, acting, month, body.attempt_id, now)

    if acting.at_desk and not changes:
        raise Malformed(errors=[{"pointer": "/changes", "detail": "Indiquez les cases à réserver ou à annuler."}])

    async def validated() -> Response:
        draft = () if changes else await drafts.of(connection, acting, month)
        asked = changes or draft
        locked, outcome = await validating.judge(connection, acting, seen, month, asked, earlier, now)
        await drafts.validated(connection, acting, month, asked, draft)
        version = validating.version(locked, month)
        if not outcome.done:
            return await once.keep(connection, 200, Receipt.of(body.month, (), version))
        answer = once.response(200, Receipt.of(body.month, outcome.done, version + 1))
        told = notices.receipts(acting.dossier_id, month, outcome.done, "desk" if acting.at_desk else "family")
        actor, row = validating.actor(acting), once.row(answer)
        await changing.write(connection, locked, outcome, actor, now, told, row)
        return answer

    try:
        return await once.replay_or(connection, validated)
    except validating.CellsRefused as refused:
        attempt_id = await attempts.keep(connection, acting, month, refused.changes, earlier, now)
        return refused.attempted(attempt_id).response()
