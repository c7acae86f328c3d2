"""HTTP: quotients recorded by the desk."""

from typing import Annotated
from uuid import UUID

from chassis.database import Session
from chassis.editing import SeenVersion, tagged
from chassis.policies import Policy
from chassis.problems import problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Response

from dossier.dossiers import Archived
from dossier.quotients import recording
from dossier.quotients.schemas import NewQuotient, Quotients, RecordedQuotient

router = APIRouter(tags=["quotients"])

Agent = Annotated[Reach, Depends(Policy("agent", reach="dossier"))]
FamilyOrDesk = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


@router.put("/dossiers/{dossier_id}/quotient")
@problems(Archived)
async def record_quotient(
    dossier_id: UUID, body: NewQuotient, reach: Agent, session: Session, seen: SeenVersion, response: Response
) -> Quotients:
    """What was recorded from the same day on is replaced; the family is told."""
    found = recording.Found(body.value, body.source, body.counts_from, body.valid_to, body.reason)
    dossier = tagged(response, await recording.change(session, reach, seen, dossier_id, found))
    newest = sorted(dossier.quotients, key=lambda one: one.valid_from, reverse=True)
    return Quotients(items=[RecordedQuotient.model_validate(one) for one in newest])


@router.get("/dossiers/{dossier_id}/quotients")
async def list_quotients(dossier_id: UUID, reach: FamilyOrDesk, session: Session) -> Quotients:
    found = await recording.history(session, reach, dossier_id)
    return Quotients(items=[RecordedQuotient.model_validate(one) for one in found])
