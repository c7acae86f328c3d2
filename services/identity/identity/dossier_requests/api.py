"""Requests for a dossier, over HTTP."""

from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.policies import PUBLIC
from chassis.problems import NotFound, problems
from fastapi import APIRouter, Response

from identity import desk_requests
from identity.accounts import AlreadyRegistered
from identity.desk_requests import RequestStatus
from identity.dossier_requests import deciding, schemas
from identity.dossier_requests.models import DossierRequest
from identity.edge import Address, Configured, OwnTransactions
from identity.sessions.policies import Agent
from identity.throttling.tries import Limit, TooManyTries, count_request

router = APIRouter()


@router.post("/dossier-requests", status_code=202, dependencies=[PUBLIC])
@problems(TooManyTries, desk_requests.TooManyWaiting)
async def ask_dossier(
    body: schemas.DossierAsked, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    await count_request(database, Limit(f"dossier {address}", settings.dossier_request_limit))
    async with database.sessions.begin() as session:
        await deciding.ask(session, body.model_dump(mode="json"), clock.now(), most=settings.dossier_requests_waiting)
    return Response(status_code=202)


@router.get("/dossier-requests")
async def dossier_requests(
    _agent: Agent, paging: Paged, session: Session, status: RequestStatus = RequestStatus.WAITING
) -> Page[schemas.DossierRequest]:
    found = await desk_requests.oldest(session, DossierRequest, status, paging.limit + 1, paging.cursor)
    return paging.page(found, schemas.DossierRequest.model_validate, lambda request: request.id)


@router.get("/dossier-requests/{dossier_request_id}")
async def one_dossier_request(_agent: Agent, dossier_request_id: UUID, session: Session) -> schemas.DossierRequest:
    return schemas.DossierRequest.model_validate(await desk_requests.one(session, DossierRequest, dossier_request_id))


@router.post("/dossier-requests/{dossier_request_id}/decision")
@problems(NotFound, desk_requests.AlreadyDecided, AlreadyRegistered)
async def decide_dossier_request(
    agent: Agent, dossier_request_id: UUID, body: schemas.DossierDecision, session: Session
) -> schemas.DossierRequest:
    decision = deciding.Decision(RequestStatus(body.decision), body.dossier_id, body.reason)
    decided = await deciding.decide(session, dossier_request_id, agent, decision, body.guardian_id, clock.now())
    return schemas.DossierRequest.model_validate(decided)
