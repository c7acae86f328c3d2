"""The desk's notices, over HTTP."""

from typing import Literal
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.problems import NotFound, problems
from fastapi import APIRouter

from identity.desk_notices import handling, schemas
from identity.sessions.policies import Agent

router = APIRouter()


@router.get("/desk-notices")
async def desk_notices(
    _agent: Agent, paging: Paged, session: Session, status: Literal["waiting", "done"] = "waiting"
) -> Page[schemas.DeskNotice]:
    found = await handling.oldest(session, done=status == "done", most=paging.limit + 1, after=paging.cursor)
    return paging.page(found, schemas.DeskNotice.model_validate, lambda notice: notice.id)


@router.get("/desk-notices/{desk_notice_id}")
@problems(NotFound)
async def desk_notice(_agent: Agent, desk_notice_id: UUID, session: Session) -> schemas.DeskNotice:
    return schemas.DeskNotice.model_validate(await handling.read(session, desk_notice_id))


@router.post("/desk-notices/{desk_notice_id}/done")
@problems(NotFound)
async def deal_with(agent: Agent, desk_notice_id: UUID, session: Session) -> schemas.DeskNotice:
    """Somebody of the desk has dealt with it; said again, it stays the first's."""
    return schemas.DeskNotice.model_validate(await handling.deal_with(session, desk_notice_id, agent, clock.now()))
