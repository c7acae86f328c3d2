"""HTTP: health records, who has read them, and the day's briefs for those who look after children."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.editing import SeenVersion, tagged
from chassis.fields import Reason
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Request, Response

from dossier import accesses, children
from dossier.accesses import Access
from dossier.health import briefs, records
from dossier.health.schemas import AccessAnswer, Briefs, ChildIds, HealthAnswer, HealthChange
from dossier.keys import Ring

router = APIRouter(tags=["health"])

Guardian = Annotated[Reach, Depends(Policy("guardian", reach="dossier"))]
GuardianOrAgent = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]
SiteStaff = Annotated[Reach, Depends(Policy("site_staff", reach="site"))]


async def _ring(request: Request) -> Ring:
    ring: Ring = request.app.state.settings.ring
    return ring


Keys = Annotated[Ring, Depends(_ring)]


@router.get("/children/{child_id}/health")
async def read_health(
    child_id: UUID,
    reach: GuardianOrAgent,
    session: Session,
    ring: Keys,
    response: Response,
    dossier_id: UUID | None = None,
    reason: Annotated[Reason | None, Query()] = None,
) -> HealthAnswer:
    """Each read is kept, and shown to the guardians; the desk says why it reads."""
    acting = reach.acting(dossier_id)
    return tagged(response, await records.read(session, ring, acting, child_id, reason, clock.now()))


@router.put("/children/{child_id}/health")
async def write_health(
    child_id: UUID,
    body: HealthChange,
    reach: GuardianOrAgent,
    seen: SeenVersion,
    session: Session,
    ring: Keys,
    response: Response,
) -> HealthAnswer:
    """All of the record: what is not given is no more in it."""
    acting = reach.acting(body.dossier_id)
    written = await records.write(session, ring, acting, child_id, seen, body.content(), clock.now())
    return tagged(response, written)


@router.get("/children/{child_id}/accesses")
async def list_accesses(child_id: UUID, reach: Guardian, session: Session, paging: Paged) -> Page[AccessAnswer]:
    """Who has read what is known of the child's health, the newest first."""
    await children.find(session, reach.acting(None), child_id)

    def shown(access: Access) -> AccessAnswer:
        return AccessAnswer(
            id=access.id,
            at=access.at,
            role=access.role,
            mine=access.account_id == reach.sub,
            site_name=access.site_name,
            reason=access.reason,
        )

    return paging.page(await accesses.of_child(session, child_id, paging), shown, lambda access: access.id)


@router.post("/children/health-briefs")
@problems(NotFound)
async def brief_children(body: ChildIds, reach: SiteStaff, session: Session, ring: Keys) -> Briefs:
    """Of children of the caller's own sites, each read kept."""
    return Briefs(items=await briefs.brief(session, ring, reach, body.child_ids, clock.now()))
