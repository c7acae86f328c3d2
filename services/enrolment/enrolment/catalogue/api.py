"""The catalogue over HTTP."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.policies import Policy
from chassis.problems import Forbidden, NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends

from enrolment.catalogue import house_rules, listing
from enrolment.catalogue.schemas import Acceptance, ActivityAnswer, HouseRulesAnswer, Kind, SiteAnswer
from enrolment.families import find_family

router = APIRouter(tags=["catalogue"])

Anybody = Annotated[
    Reach, Depends(Policy("guardian", "agent", "cashier", "administrator", "site_staff", "integrator", reach="town"))
]
FamilyOrDesk = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


@router.get("/sites")
async def list_sites(_: Anybody, session: Session, paging: Paged) -> Page[SiteAnswer]:
    found = await listing.sites(session, paging.cursor, paging.limit + 1)
    return paging.page(found, SiteAnswer.model_validate, lambda site: site.id)


@router.get("/activities")
async def list_activities(
    reach: Anybody,
    session: Session,
    paging: Paged,
    kind: Kind | None = None,
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
        refused = await listing.refusals(session, found, family, clock.now())
        for item in page.items:
            if why := refused.get(item.id):
                item.reason_code, item.reason = why.why, why.detail
            item.open = why is None
    return page


@router.get("/house-rules")
@problems(NotFound)
async def read_house_rules(
    reach: FamilyOrDesk, session: Session, school_year: str | None = None, dossier_id: UUID | None = None
) -> HouseRulesAnswer:
    """The town's règlement of a school year, else of the current one, and whether the family has accepted it."""
    acting = reach.acting(dossier_id)
    return HouseRulesAnswer.of(await house_rules.read(session, acting, school_year, clock.now()))


@router.post("/house-rules/acceptances", status_code=201)
@problems(NotFound, house_rules.AnotherVersion)
async def accept_house_rules(body: Acceptance, reach: FamilyOrDesk, session: Session) -> HouseRulesAnswer:
    """Accept it for the school year; once is enough, and a second time changes nothing."""
    acting = reach.acting(body.dossier_id)
    return HouseRulesAnswer.of(await house_rules.accept(session, acting, body.version, body.school_year, clock.now()))
