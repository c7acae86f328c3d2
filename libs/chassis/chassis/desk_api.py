"""The desk log over HTTP, the same of every service."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime
from sqlalchemy import MetaData

from chassis import desk
from chassis.bodies import Answer, Page, Paged
from chassis.database import Session
from chassis.policies import Policy
from chassis.reach import Reach

Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]


class DeskAct(Answer):
    """`act`: the call, its method and route; `subject_id`: what it named first; `reason`: why, where one was said."""

    id: UUID
    at: datetime
    account_id: UUID
    role: str
    name: str | None
    act: str
    subject_id: UUID | None
    dossier_id: UUID | None
    reason: str | None


def router(metadata: MetaData) -> APIRouter:
    """The calls of the service with these tables."""
    made = APIRouter(tags=["desk log"])

    @made.get("/desk-log")
    async def list_desk_log(
        _: Administrator,
        paging: Paged,
        session: Session,
        account_id: UUID | None = None,
        dossier_id: UUID | None = None,
        subject_id: UUID | None = None,
        since: Annotated[AwareDatetime | None, Query()] = None,
        until: Annotated[AwareDatetime | None, Query()] = None,
    ) -> Page[DeskAct]:
        """Who of the staff did what, the newest first; of one of them, of one family or thing, from when until when."""
        asked = desk.Asked(account_id, dossier_id, subject_id, since, until)
        found = await desk.newest(session, metadata, asked, paging.limit + 1, paging.cursor)
        return paging.page(found, DeskAct.model_validate, lambda one: one.id)

    return made
