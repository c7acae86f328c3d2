"""HTTP: a family's dossier, read by itself and by the desk."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.database import Session
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Response
from french.paris import day_in_paris

from dossier import dossiers
from dossier.models import Dossier
from dossier.schemas import DossierAnswer

router = APIRouter(tags=["dossiers"])

Guardian = Annotated[Reach, Depends(Policy("guardian", reach="dossier"))]
GuardianOrAgent = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


def _answer(dossier: Dossier, response: Response) -> DossierAnswer:
    response.headers["ETag"] = f'"{dossier.version}"'
    return DossierAnswer.of(dossier, day_in_paris(clock.now()))


@router.get("/dossiers/mine")
@problems(NotFound)
async def my_dossier(reach: Guardian, session: Session, response: Response) -> DossierAnswer:
    return _answer(await dossiers.read(session, reach, reach.dossier_id), response)


@router.get("/dossiers/{dossier_id}")
async def one_dossier(dossier_id: UUID, reach: GuardianOrAgent, session: Session, response: Response) -> DossierAnswer:
    return _answer(await dossiers.read(session, reach, dossier_id), response)
