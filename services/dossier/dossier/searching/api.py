"""HTTP: the desk's search."""

from typing import Annotated

from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.policies import Policy
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query

from dossier.searching.finding import find
from dossier.searching.schemas import FoundDossier

router = APIRouter(tags=["dossiers"])

Agent = Annotated[Reach, Depends(Policy("agent", reach="town"))]
#: PostgreSQL's text holds no NUL: what is searched must not either.
Asked = Annotated[str, Query(pattern="^[^\\x00]{1,100}$")]


@router.get("/dossiers")
async def find_dossiers(_agent: Agent, session: Session, paging: Paged, q: Asked | None = None) -> Page[FoundDossier]:
    """By number, an adult's or a child's name, address: words in any order, with or without accents, begun or misspelt.

    First the dossier of that number, then those that have all the words, then those whose words begin so, then those
    with words like them; without `q` all, by number.
    """
    found = await find(session, q, paging.cursor, paging.limit + 1)
    return paging.page(found, FoundDossier.model_validate, lambda dossier: dossier.id)
