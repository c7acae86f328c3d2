"""The catalogue over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.editing import SeenVersion, tagged, tried
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Response
from french.paris import day_in_paris

from enrolment.catalogue import editing, house_rules, listing, touching
from enrolment.catalogue.schemas import (
    Acceptance,
    ActivityAnswer,
    ActivityChange,
    ActivityEdited,
    HouseRulesAnswer,
    NewActivity,
    NewSite,
    SiteAnswer,
    SiteChange,
)

router = APIRouter(tags=["catalogue"])

Anybody = Annotated[
    Reach, Depends(Policy("guardian", "agent", "cashier", "administrator", "site_staff", "integrator", reach="town"))
]
Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]
Preview = Annotated[bool, Query(description="true: nothing is stored, the answer says whom it would touch")]
FamilyOrDesk = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


@router.get("/sites")
async def list_sites(
    _: Anybody, session: Session, paging: Paged, kind: Literal["school", "centre"] | None = None
) -> Page[SiteAnswer]:
    found = await listing.sites(session, kind, paging.cursor, paging.limit + 1)
    return paging.page(found, SiteAnswer.model_validate, lambda site: site.id)


@router.post("/sites", status_code=201)
@problems(editing.CodeTaken)
async def add_site(body: NewSite, _: Administrator, session: Session, response: Response) -> SiteAnswer:
    """A new school or leisure centre; its code names it for good."""
    return SiteAnswer.model_validate(tagged(response, await editing.add_site(session, **body.model_dump())))


@router.get("/sites/{site_id}")
async def read_site(site_id: UUID, _: Administrator, session: Session, response: Response) -> SiteAnswer:
    return SiteAnswer.model_validate(tagged(response, await editing.find_site(session, site_id)))


@router.patch("/sites/{site_id}")
async def change_site(
    site_id: UUID, body: SiteChange, _: Administrator, session: Session, seen: SeenVersion, response: Response
) -> SiteAnswer:
    """Give it another name, which its holiday weeks take too."""
    return SiteAnswer.model_validate(
        tagged(response, await editing.change_site(session, seen, site_id, body.model_dump(exclude_unset=True)))
    )


@router.post("/activities", status_code=201)
@problems(editing.CodeTaken)
async def add_activity(body: NewActivity, _: Administrator, session: Session, response: Response) -> ActivityAnswer:
    """A new entry of the catalogue; its code names it for good. Its deadlines are said to planning, its price to
    billing.
    """
    windows = [one.model_dump() for one in body.enrolment_windows]
    return ActivityAnswer.model_validate(tagged(response, await editing.add_activity(session, body.columns(), windows)))


@router.get("/activities/{activity_id}")
async def read_activity(activity_id: UUID, _: Administrator, session: Session, response: Response) -> ActivityAnswer:
    return ActivityAnswer.model_validate(tagged(response, await editing.find_activity(session, activity_id)))


@router.patch("/activities/{activity_id}")
async def change_activity(
    activity_id: UUID,
    body: ActivityChange,
    _: Administrator,
    session: Session,
    seen: SeenVersion,
    paging: Paged,
    response: Response,
    preview: Preview = False,
) -> ActivityEdited:
    """Change whom it is open to, and when; closed, nobody is enrolled or booked anew, and who is stays.

    A preview says, page by page, who would no longer be taken.
    """
    sent = "enrolment_windows" in body.model_fields_set
    windows = [one.model_dump() for one in body.enrolment_windows] if sent else None
    asked, whom = body.columns(), None
    async with tried(session, preview=preview):
        if preview:
            today = day_in_paris(clock.now())
            activity, whom = await touching.change(session, seen, activity_id, asked, windows, today, paging)
        else:
            activity = await editing.change_activity(session, seen, activity_id, asked, windows)
        answer = ActivityEdited.of(activity, whom)
    tagged(response, await editing.find_activity(session, activity_id))
    return answer


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
