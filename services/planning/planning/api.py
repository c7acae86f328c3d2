"""HTTP: the planning of a family."""

import hashlib
from typing import Annotated
from uuid import UUID

from chassis.database import Session
from chassis.policies import Policy
from chassis.problems import Malformed, NotFound, problems
from contracts.caller import Caller
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator

from planning import plannings
from planning.calendar import first_day
from planning.schemas import PlanningAnswer

router = APIRouter(tags=["plannings"])

GuardianOrAgent = Annotated[Caller, Depends(Policy("guardian", "agent"))]


def _month(text: str) -> str:
    first_day(text)
    return text


Month = Annotated[str, AfterValidator(_month), Query(description="YYYY-MM")]


@router.get("/plannings", response_model=PlanningAnswer)
@problems(NotFound)
async def read_planning(
    month: Month,
    caller: GuardianOrAgent,
    session: Session,
    child_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> Response:
    if caller.role == "guardian":
        if caller.dossier_id is None or dossier_id not in (None, caller.dossier_id):
            raise NotFound
        dossier_id = caller.dossier_id
    elif dossier_id is None and child_id is None:
        need = "Indiquez le dossier (dossier_id) ou l'enfant (child_id)."
        raise Malformed(errors=[{"pointer": "/query/dossier_id", "detail": need}])
    rows = await plannings.read(session, first_day(month), dossier_id, child_id)
    body = PlanningAnswer(month=month, rows=rows).model_dump_json().encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Response(body, media_type="application/json", headers={"ETag": etag})
