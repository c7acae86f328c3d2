"""HTTP: a guardian's switch of the coming week by mail."""

from typing import Annotated

from chassis.database import Session
from chassis.policies import Policy
from chassis.problems import Forbidden, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends

from planning.digests import digests
from planning.digests.schemas import WeeklyDigest

router = APIRouter(tags=["digests"])

Guardian = Annotated[Reach, Depends(Policy("guardian", reach="account"))]


@router.get("/weekly-digest")
async def read_digest(reach: Guardian, session: Session) -> WeeklyDigest:
    return WeeklyDigest(enabled=await digests.is_enabled(session, reach))


@router.put("/weekly-digest")
@problems(Forbidden)
async def switch_digest(body: WeeklyDigest, reach: Guardian, session: Session) -> WeeklyDigest:
    """On: the coming week of the family's children by mail, each Sunday at 18:00."""
    await digests.switch(session, reach, enabled=body.enabled)
    return body
