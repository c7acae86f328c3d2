"""HTTP: a family's own dossier, and the desk's search."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Response
from french.paris import day_in_paris

from dossier import dossiers
from dossier.models import Dossier
from dossier.schemas import DossierAnswer, FoundDossier

router = APIRouter(tags=["dossiers"])

Guardian = Annotated[Reach, Depends(Policy("guardian", reach="dossier"))]
Agent = Annotated[Reach, Depends(Policy("agent", reach="town"))]
GuardianOrAgent = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]

#: PostgreSQL's text holds no NUL: what is searched must not either.
Number = Annotated[str, Query(pattern="^[0-9A-Za-z-]{1,20}$")]
Name = Annotated[str, Query(pattern="^[^\\x00]{1,100}$")]


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


@router.get("/dossiers")
async def find_dossiers(
    _agent: Agent, session: Session, paging: Paged, number: Number | None = None, name: Name | None = None
) -> Page[FoundDossier]:
    found = await dossiers.search(session, number, name, paging.cursor, paging.limit + 1)
    return paging.page(found, FoundDossier.model_validate, lambda dossier: dossier.id)
