"""HTTP: the planning of a family."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.database import Driver
from chassis.editing import etag
from chassis.policies import Policy
from chassis.problems import Malformed, NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Response
from french.calendar import first_day

from planning.plannings import reading
from planning.plannings.schemas import Month, PlanningAnswer

router = APIRouter(tags=["plannings"])

GuardianOrAgent = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


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
    if reach.role == "agent" and dossier_id is None and child_id is None:
        need = "Indiquez le dossier (dossier_id) ou l'enfant (child_id)."
        raise Malformed(errors=[{"pointer": "/query/dossier_id", "detail": need}])
    found = await reading.planning(connection, reach, first_day(month), dossier_id, child_id, clock.now())
    # What is made of our own rows is not checked again: the answer is said 20 times faster than it would be.
    answer = PlanningAnswer.model_construct(month=month, rows=found.rows)
    headers = {"ETag": etag(found.version)}
    return Response(answer.model_dump_json().encode(), media_type="application/json", headers=headers)
