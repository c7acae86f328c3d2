"""HTTP: the planning of a family."""

import hashlib
from typing import Annotated
from uuid import UUID

from chassis.database import Session
from chassis.policies import Policy
from chassis.problems import Malformed, NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator

from planning.calendar import first_day
from planning.plannings import reading
from planning.plannings.schemas import PlanningAnswer

router = APIRouter(tags=["plannings"])

GuardianOrAgent = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


def _month(text: str) -> str:
    first_day(text)
    return text


Month = Annotated[str, AfterValidator(_month), Query(description="YYYY-MM")]


@router.get("/plannings", response_model=PlanningAnswer)
@problems(NotFound)
async def read_planning(
    month: Month,
    reach: GuardianOrAgent,
    session: Session,
    child_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> Response:
    dossier_id = dossier_id or reach.dossier_id
    if reach.role == "agent" and dossier_id is None and child_id is None:
        need = "Indiquez le dossier (dossier_id) ou l'enfant (child_id)."
        raise Malformed(errors=[{"pointer": "/query/dossier_id", "detail": need}])
    rows = await reading.read(session, reach, first_day(month), dossier_id, child_id)
    body = PlanningAnswer(month=month, rows=rows).model_dump_json().encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Response(body, media_type="application/json", headers={"ETag": etag})
