"""The catalogue over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.policies import Policy
from chassis.problems import Forbidden
from chassis.reach import Reach
from fastapi import APIRouter, Depends

from enrolment.catalogue import listing
from enrolment.catalogue.rules import kind_refusal
from enrolment.catalogue.schemas import ActivityAnswer, SiteAnswer
from enrolment.families import find_family

router = APIRouter(tags=["catalogue"])

Anybody = Annotated[
    Reach, Depends(Policy("guardian", "agent", "cashier", "administrator", "site_staff", "integrator", reach="town"))
]


@router.get("/sites")
async def list_sites(_: Anybody, session: Session, paging: Paged) -> Page[SiteAnswer]:
    found = await listing.sites(session, paging.cursor, paging.limit + 1)
    return paging.page(found, SiteAnswer.model_validate, lambda site: site.id)


@router.get("/activities")
async def list_activities(
    reach: Anybody,
    session: Session,
    paging: Paged,
    kind: Literal["periscolaire", "restauration", "extrascolaire"] | None = None,
    child_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> Page[ActivityAnswer]:
    """The catalogue; with a child, whether each activity is open to it."""
    found = await listing.activities(session, kind, paging.cursor, paging.limit + 1)
    page = paging.page(found, ActivityAnswer.model_validate, lambda activity: activity.id)
    if child_id is not None:
        if reach.role not in ("guardian", "agent"):
            raise Forbidden
        family = await find_family(session, reach.acting(dossier_id), child_id)
        for item in page.items:
            item.reason = kind_refusal(item.kind, family.dossier)
            item.open = item.reason is None
    return page
