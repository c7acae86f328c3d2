"""HTTP: the desk's search."""

from typing import Annotated
from uuid import UUID

from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.policies import Policy
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query

from dossier.searching.finding import find, named
from dossier.searching.schemas import FoundDossier

router = APIRouter(tags=["dossiers"])

Staff = Annotated[Reach, Depends(Policy("agent", "administrator", reach="town"))]
#: PostgreSQL's text holds no NUL: what is searched must not either.
Asked = Annotated[str, Query(pattern="^[^\\x00]{1,100}$")]


@router.get("/dossiers")
async def find_dossiers(
    _: Staff,
    session: Session,
    paging: Paged,
    q: Asked | None = None,
    ids: Annotated[list[UUID] | None, Query(max_length=200)] = None,
) -> Page[FoundDossier]:
    """By number, an adult's or a child's name, address: words in any order, with or without accents, begun or misspelt.

    First the dossier of that number, then those that have all the words, then those whose words begin so, then those
    with words like them; without `q` all, by number. With `ids`, those that there are of these, in one page.
    """
    if ids is not None:
        return Page(items=[FoundDossier.model_validate(one) for one in await named(session, ids)])
    found = await find(session, q, paging.cursor, paging.limit + 1)
    return paging.page(found, FoundDossier.model_validate, lambda dossier: dossier.id)
