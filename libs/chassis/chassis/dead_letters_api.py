"""Dead letters over HTTP, the same of every service: what was set aside, and « once more » for all of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from chassis import broker, dead_letters
from chassis.bodies import Answer
from chassis.database import Database, Session
from chassis.policies import Policy
from chassis.problems import Unavailable, problems
from chassis.reach import Reach

#: A request does not last for ever: who has more calls again.
MOST_AT_ONCE = 1000

Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]


class DeadLetterAnswer(Answer):
    """`reason`: `rejected` by the service, or `delivery_limit` (it ended the process); what is no event has no more."""

    reason: str | None
    event_id: UUID | None
    type: str | None
    subject: UUID | None
    time: datetime | None


class DeadLettersAnswer(BaseModel):
    """How many messages are set aside, and the first of them."""

    count: int
    items: list[DeadLetterAnswer]


class Replayed(BaseModel):
    """How many messages were given back to be handled again, and how many are still set aside."""

    replayed: int
    left: int


def router(service: str) -> APIRouter:
    """The calls of that service."""
    made = APIRouter(tags=["dead letters"])

    @made.get("/dead-letters")
    @problems(Unavailable)
    async def list_dead_letters(
        request: Request, _: Administrator, session: Session, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> DeadLettersAnswer:
        """What the service could not handle; nothing of it is lost."""
        async with _broker():
            count, found = await dead_letters.first(session, request.app.state.settings.amqp_url, service, limit)
        return DeadLettersAnswer(count=count, items=[DeadLetterAnswer.model_validate(one) for one in found])

    @made.post("/dead-letters/replay")
    @problems(Unavailable)
    async def replay_dead_letters(request: Request, _: Administrator) -> Replayed:
        """Have it handled again, a thousand at most; what fails again is set aside again."""
        database: Database = request.app.state.database
        async with _broker():
            url = request.app.state.settings.amqp_url
            replayed, left = await dead_letters.replay(service, url, database, MOST_AT_ONCE)
        return Replayed(replayed=replayed, left=left)

    return made


@asynccontextmanager
async def _broker() -> AsyncIterator[None]:
    """Raises Unavailable where it is the broker that fails."""
    try:
        yield
    except broker.TROUBLE as error:
        raise Unavailable(retry_after_s=2) from error
