"""HTTP: quotients recorded by the desk, or asked of API Particulier for who agrees."""

from typing import Annotated
from uuid import UUID

from chassis.bodies import Page, Paged
from chassis.database import Database, Session
from chassis.editing import SeenVersion, tagged
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Request, Response

from dossier.dossiers import Archived
from dossier.quotients import asking, consents, recording
from dossier.quotients.models import QuotientConsent
from dossier.quotients.particulier import Access, NotConnected, ParticulierDown, TokenRefused, connected
from dossier.quotients.schemas import (
    CampaignAnswer,
    CampaignReport,
    Consent,
    ConsentAnswer,
    LookupAnswer,
    NewQuotient,
    NotFoundAnswer,
    Quotients,
    RecordedQuotient,
)

router = APIRouter(tags=["quotients"])

Agent = Annotated[Reach, Depends(Policy("agent", reach="dossier"))]
Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]
FamilyOrDesk = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


@router.put("/dossiers/{dossier_id}/quotient")
@problems(Archived)
async def record_quotient(
    dossier_id: UUID, body: NewQuotient, reach: Agent, session: Session, seen: SeenVersion, response: Response
) -> Quotients:
    """What was recorded from the same day on is replaced; the family is told."""
    found = recording.Found(body.value, body.source, body.counts_from, body.valid_to, body.reason)
    dossier = tagged(response, await recording.change(session, reach, seen, dossier_id, found))
    newest = sorted(dossier.quotients, key=lambda one: one.valid_from, reverse=True)
    return Quotients(items=[RecordedQuotient.model_validate(one) for one in newest])


@router.get("/dossiers/{dossier_id}/quotients")
async def list_quotients(dossier_id: UUID, reach: FamilyOrDesk, session: Session) -> Quotients:
    found = await recording.history(session, reach, dossier_id)
    return Quotients(items=[RecordedQuotient.model_validate(one) for one in found])


def _consent(consent: QuotientConsent | None, access: Access) -> ConsentAnswer:
    at = consent.agreed_at if consent else None
    return ConsentAnswer(agreed=consent is not None, agreed_at=at, possible=bool(access.token))


@router.get("/dossiers/{dossier_id}/adults/{adult_id}/quotient-consent")
async def read_consent(
    dossier_id: UUID, adult_id: UUID, reach: FamilyOrDesk, request: Request, session: Session
) -> ConsentAnswer:
    consent = await consents.find(session, reach, dossier_id, adult_id)
    return _consent(consent, request.app.state.settings.particulier)


@router.put("/dossiers/{dossier_id}/adults/{adult_id}/quotient-consent")
@problems(NotConnected)
async def give_consent(
    dossier_id: UUID, adult_id: UUID, body: Consent, reach: FamilyOrDesk, request: Request, session: Session
) -> ConsentAnswer:
    """An adult agrees that their quotient is asked for: themselves, or at the desk; where it can be asked for."""
    access: Access = request.app.state.settings.particulier
    return _consent(await consents.give(session, access, reach, dossier_id, adult_id, body.model_dump()), access)


@router.delete("/dossiers/{dossier_id}/adults/{adult_id}/quotient-consent", status_code=204)
async def withdraw_consent(dossier_id: UUID, adult_id: UUID, reach: FamilyOrDesk, session: Session) -> Response:
    """What was kept for it is erased."""
    await consents.withdraw(session, reach, dossier_id, adult_id)
    return Response(status_code=204)


@router.post("/dossiers/{dossier_id}/quotient-lookups")
@problems(NotConnected, TokenRefused, ParticulierDown)
async def look_quotient_up(dossier_id: UUID, reach: Agent, request: Request, session: Session) -> LookupAnswer:
    """Ask API Particulier now; a quotient that is found counts from the next month on."""
    database: Database = request.app.state.database
    async with database.sessions.begin() as first:
        agreed = await asking.who_agreed(first, reach, dossier_id)
    # The request's own transaction begins with its first statement: after the call.
    async with connected(request.app.state.settings.particulier) as particulier:
        found = await asking.ask(particulier, agreed)
    return LookupAnswer.model_validate(await asking.keep(session, dossier_id, found))


def _campaign(progress: asking.Progress) -> CampaignAnswer:
    counts = {name: progress.outcomes.get(name, 0) for name in ("changed", "unchanged", "unknown", "no_consent")}
    fields = {name: getattr(progress.campaign, name) for name in ("id", "status", "trouble", "asked_at", "finished_at")}
    return CampaignAnswer(total=progress.total, done=sum(counts.values()), **counts, **fields)


@router.post("/quotient-campaigns", status_code=202)
@problems(NotConnected)
async def ask_for_everybody(reach: Administrator, request: Request, session: Session) -> CampaignAnswer:
    """Ask for every family of which an adult agrees, from now on; where that is done already, say how far it is."""
    campaign = await asking.begin(session, request.app.state.settings.particulier, reach)
    return _campaign(await asking.progress(session, campaign.id))


@router.get("/quotient-campaigns")
async def list_campaigns(_: Administrator, session: Session, paging: Paged) -> Page[CampaignAnswer]:
    """The newest first."""
    found = await asking.newest(session, paging.cursor, paging.limit + 1)
    return paging.page(found, _campaign, lambda one: one.campaign.id)


@router.get("/quotient-campaigns/{campaign_id}")
@problems(NotFound)
async def read_campaign(
    campaign_id: UUID,
    _: Administrator,
    session: Session,
    after: Annotated[str, Query(pattern="^[0-9A-Za-z-]{0,20}$")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CampaignReport:
    progress = await asking.progress(session, campaign_id)
    found = await asking.not_found(session, campaign_id, after, limit + 1)
    return CampaignReport(
        **_campaign(progress).model_dump(),
        items=[NotFoundAnswer.model_validate(one) for one in found[:limit]],
        next_number=found[limit - 1].number if len(found) > limit else None,
    )
