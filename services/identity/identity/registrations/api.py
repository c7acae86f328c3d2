"""Legal texts, proofs of a dossier, registrations and their activation, over HTTP."""

from uuid import UUID

from chassis import clock, desk
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.policies import PUBLIC
from chassis.problems import NotFound, problems
from fastapi import APIRouter, Response

from identity import accounts, desk_requests, passwords
from identity.desk_requests import RequestStatus
from identity.edge import Address, Configured, OwnTransactions, taking
from identity.names import email_key
from identity.registrations import (
    activation,
    claims,
    credentials,
    invitations,
    legal,
    link_requests,
    registration,
    schemas,
)
from identity.registrations.models import LinkRequest
from identity.registrations.rules import code_key
from identity.sessions.policies import Agent
from identity.settings import Settings
from identity.throttling.guesses import limits_of, room
from identity.throttling.tries import Limit, TooManyTries, count_request, guess, is_spent

router = APIRouter()

#: Long enough that whether there was something to send does not show.
RESEND_TAKES_S = 0.05


@router.get("/legal/terms", dependencies=[PUBLIC])
@problems(NotFound)
async def terms(session: Session) -> schemas.LegalText:
    return schemas.LegalText.model_validate(await legal.current(session, "terms"))


@router.get("/legal/privacy", dependencies=[PUBLIC])
@problems(NotFound)
async def privacy(session: Session) -> schemas.LegalText:
    return schemas.LegalText.model_validate(await legal.current(session, "privacy"))


@router.post("/registrations/check", status_code=204, dependencies=[PUBLIC])
@problems(TooManyTries)
async def check_registration(
    body: schemas.RegistrationCheck, database: OwnTransactions, settings: Configured, address: Address
) -> None:
    await count_request(database, Limit(f"check {address}", settings.check_limit))
    async with database.sessions.begin() as session:
        await credentials.check(session, body.username, body.password, clock.now())


def _claim_limit(settings: Settings, address: str) -> Limit:
    return Limit(f"claim {address}", settings.claim_limit)


@router.post("/claims", status_code=201, dependencies=[PUBLIC])
@problems(TooManyTries, claims.ClaimRefused, accounts.AlreadyRegistered)
async def claim(
    body: schemas.ClaimAsked, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.ClaimGiven:
    now, limits = clock.now(), [_claim_limit(settings, address)]
    async with guess(database, limits, claims.ClaimRefused), database.sessions.begin() as session:
        secret, expires_at = await claims.prove(
            session, body.dossier_number, body.last_name, body.email, body.first_name, now
        )
    return schemas.ClaimGiven(dossier_claim=secret, expires_at=expires_at)


@router.post("/claims/by-code", status_code=201, dependencies=[PUBLIC])
@problems(TooManyTries, invitations.CodeRefused, accounts.AlreadyRegistered)
async def claim_by_code(
    body: schemas.CodeGiven, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.ClaimGiven:
    """The code of an invitation letter is a claim; it is used by the registration, not by asking here."""
    limits = [_claim_limit(settings, address)]
    async with guess(database, limits, invitations.CodeRefused), database.sessions.begin() as session:
        secret, expires_at = await invitations.recognise(session, code_key(body.code), clock.now())
    return schemas.ClaimGiven(dossier_claim=secret, expires_at=expires_at)


@router.post("/dossiers/{dossier_id}/invitation", status_code=201)
@problems(NotFound, accounts.AlreadyRegistered)
async def invite(
    _agent: Agent, dossier_id: UUID, body: schemas.InvitationAsked, session: Session
) -> schemas.Invitations:
    """A letter with a code is to be printed; codes of before are dead."""
    desk.note(session, dossier_id=dossier_id)
    made = await invitations.invite(session, dossier_id, body.guardian_id, clock.now())
    return schemas.Invitations(items=[schemas.Invitation.model_validate(one) for one in made])


@router.post("/link-requests", status_code=202, dependencies=[PUBLIC])
@problems(TooManyTries, desk_requests.TooManyWaiting)
async def ask_link(
    body: schemas.LinkAsked, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    await count_request(database, Limit(f"link {address}", settings.link_request_limit))
    async with database.sessions.begin() as session:
        most = settings.link_requests_waiting
        await desk_requests.ask(session, LinkRequest, body.model_dump(), clock.now(), most=most)
    return Response(status_code=202)


@router.get("/link-requests")
async def link_requests_to_decide(
    _agent: Agent, paging: Paged, session: Session, status: RequestStatus = RequestStatus.WAITING
) -> Page[schemas.LinkRequestToDecide]:
    found = await desk_requests.oldest(session, LinkRequest, status, paging.limit + 1, paging.cursor)
    candidates = await link_requests.candidates(session, found)
    return paging.page(
        found, lambda one: schemas.LinkRequestToDecide.of(one, candidates[one.id]), lambda request: request.id
    )


@router.get("/link-requests/{request_id}")
async def link_request_to_decide(_agent: Agent, request_id: UUID, session: Session) -> schemas.LinkRequestToDecide:
    request = await desk_requests.one(session, LinkRequest, request_id)
    return schemas.LinkRequestToDecide.of(request, (await link_requests.candidates(session, [request]))[request.id])


@router.post("/link-requests/{request_id}/decision")
@problems(NotFound, desk_requests.AlreadyDecided, accounts.AlreadyRegistered)
async def decide_link_request(
    agent: Agent, request_id: UUID, body: schemas.LinkDecision, session: Session
) -> schemas.LinkRequest:
    decision = link_requests.Decision(RequestStatus(body.decision), body.guardian_id, body.reason)
    decided = await link_requests.decide(session, request_id, agent, decision, clock.now())
    return schemas.LinkRequest.model_validate(decided)


@router.post("/registrations", status_code=202, dependencies=[PUBLIC])
@problems(TooManyTries, claims.ClaimGone, accounts.AlreadyRegistered)
async def register(
    body: schemas.Registration, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    """The claim is judged first; who has one learns of usernames no faster than by the first step's check."""
    now, asked = clock.now(), body.asked()
    await count_request(database, Limit(f"check {address}", settings.check_limit))
    async with room(address) as hashing:
        async with (
            guess(database, [_claim_limit(settings, address)], claims.ClaimGone),
            database.sessions.begin() as session,
        ):
            await registration.judge(session, asked, now)
        async with hashing:
            password_hash = await passwords.hashed(body.password)
        async with database.sessions.begin() as session:
            account = await registration.register(session, asked, password_hash, now)
            # However often somebody registers a guardian, that one is not flooded: each link mailed lets them in.
            if not await is_spent(session, [Limit(f"mail {account.email_key}", settings.resend_limit)], now):
                await activation.send_link(session, account, now)
    return Response(status_code=202)


@router.post("/registrations/resend", status_code=202, dependencies=[PUBLIC])
@problems(TooManyTries)
async def resend(
    body: schemas.ResendAsked, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    """Always the same answer after the same time: it tells nobody who is registering."""
    now = clock.now()
    limits = [
        Limit(f"resend {email_key(body.email)}", settings.resend_limit),
        Limit(f"resend from {address}", settings.resend_address_limit),
    ]
    async with taking(RESEND_TAKES_S), database.sessions.begin() as session:
        if not await is_spent(session, limits, now):
            await activation.resend(session, body.email, now)
    return Response(status_code=202)


@router.post("/activations", status_code=204, dependencies=[PUBLIC])
@problems(TooManyTries, activation.LinkGone, activation.WrongPassword, accounts.AlreadyRegistered)
async def activate(body: schemas.Activation, database: OwnTransactions, settings: Configured, address: Address) -> None:
    now = clock.now()
    async with room(address) as hashing:
        async with database.sessions.begin() as session:
            account = await activation.linked(session, body.token, now)
            if body.new_password is not None:
                await credentials.check(
                    session, body.username, body.new_password, now, own=account, pointer="/new_password"
                )
        if body.password is not None:
            limits = limits_of(settings, f"activation {account.id}", address)
            async with guess(database, limits, activation.WrongPassword), hashing:
                if not await passwords.matches(body.password, account.password_hash):
                    raise activation.WrongPassword
        else:
            async with hashing:
                new_hash = await passwords.hashed(str(body.new_password))
        async with database.sessions.begin() as session:
            account = await activation.linked(session, body.token, now)
            if body.new_password is not None:
                account.password_hash = new_hash
                await credentials.take_username(session, account, body.username or account.username, now)
            await activation.activate(session, account)
