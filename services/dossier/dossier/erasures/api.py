"""HTTP: an administrator erases a family."""

from typing import Annotated
from uuid import UUID

from chassis.database import Session
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query

from dossier.dossiers import Archived
from dossier.erasures import erasing
from dossier.erasures.schemas import ErasureAnswer

router = APIRouter(tags=["erasures"])

#: PostgreSQL's text holds no NUL.
Reason = Annotated[str, Query(min_length=3, max_length=500, pattern="^[^\\x00]*$")]

Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]


@router.delete("/dossiers/{dossier_id}")
@problems(NotFound, Archived)
async def erase_dossier(
    dossier_id: UUID, reach: Administrator, session: Session, reason: Reason, preview: bool = False
) -> ErasureAnswer:
    """For good, here and in every service, but for what accounting law keeps; a preview says whom it touches."""
    return ErasureAnswer.model_validate(await erasing.erase_dossier(session, reach, dossier_id, preview=preview))
