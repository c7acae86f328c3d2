"""HTTP: a family's own dossier, and the desk's search."""

from datetime import date
from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.database import Session
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from contracts.caller import Caller
from fastapi import APIRouter, Depends, Query, Response
from french.paris import day_in_paris

from dossier import dossiers
from dossier.models import Dossier
from dossier.schemas import DossierAnswer, FoundDossier, FoundDossiers

router = APIRouter(tags=["dossiers"])

Guardian = Annotated[Caller, Depends(Policy("guardian"))]
Agent = Annotated[Caller, Depends(Policy("agent"))]
GuardianOrAgent = Annotated[Caller, Depends(Policy("guardian", "agent"))]

#: PostgreSQL's text holds no NUL: what is searched must not either.
Number = Annotated[str, Query(pattern="^[0-9A-Za-z-]{1,20}$")]
Name = Annotated[str, Query(pattern="^[^\\x00]{1,100}$")]


def _answer(dossier: Dossier, response: Response) -> DossierAnswer:
    response.headers["ETag"] = f'"{dossier.version}"'
    return DossierAnswer.of(dossier, _today())


def _today() -> date:
    return day_in_paris(clock.now())


@router.get("/dossiers/mine")
@problems(NotFound)
async def my_dossier(caller: Guardian, session: Session, response: Response) -> DossierAnswer:
    return _answer(await dossiers.read(session, caller.dossier_id), response)


@router.get("/dossiers/{dossier_id}")
async def one_dossier(dossier_id: UUID, caller: GuardianOrAgent, session: Session, response: Response) -> DossierAnswer:
    if caller.role == "guardian" and dossier_id != caller.dossier_id:
        raise NotFound
    return _answer(await dossiers.read(session, dossier_id), response)


@router.get("/dossiers")
async def find_dossiers(
    caller: Agent,
    session: Session,
    number: Number | None = None,
    name: Name | None = None,
    cursor: Number | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> FoundDossiers:
    found = await dossiers.search(session, number, name, cursor, limit + 1)
    shown = [FoundDossier.model_validate(dossier) for dossier in found[:limit]]
    return FoundDossiers(items=shown, next_cursor=shown[-1].number if len(found) > limit else None)
