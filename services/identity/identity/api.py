"""Identity over HTTP: legal texts, registration, sessions, the town's programs, and the public keys."""

import asyncio
import base64
from datetime import datetime
from time import perf_counter
from typing import Annotated
from urllib.parse import unquote_plus
from uuid import UUID

from chassis import clock
from chassis.database import Database, Session
from chassis.policies import PUBLIC, Policy
from chassis.tokens import Unauthenticated
from contracts.caller import Caller
from fastapi import APIRouter, Depends, Query, Request, Response

from identity import accounts, claims, clients, legal, link_requests, registrations, schemas, sessions, throttling
from identity.models import Account
from identity.settings import Settings
from identity.throttling import Limit, count_request, guess
from identity.tokens import ACCESS_VALID, access_token, public_jwk

router = APIRouter()

#: Long enough that whether there was something to send does not show.
RESEND_TAKES_S = 0.05


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _client(request: Request) -> str:
    """Who stands behind the request: the gateway, which alone talks to us, puts its client last in this header."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return throttling.source(forwarded or (request.client.host if request.client else ""))


#: For what opens transactions of its own, where a refusal must leave a trace or none may wait for a password's hash.
OwnTransactions = Annotated[Database, Depends(_database)]
Configured = Annotated[Settings, Depends(_settings)]
Address = Annotated[str, Depends(_client)]
Someone = Annotated[Caller, Depends(Policy("guardian", "agent", "cashier", "administrator", "site_staff"))]
Agent = Annotated[Caller, Depends(Policy("agent", "administrator"))]


@router.get("/legal/terms", dependencies=[PUBLIC])
async def terms(session: Session) -> schemas.LegalText:
    return schemas.LegalText.model_validate(await legal.current(session, "terms"))


@router.get("/legal/privacy", dependencies=[PUBLIC])
async def privacy(session: Session) -> schemas.LegalText:
    return schemas.LegalText.model_validate(await legal.current(session, "privacy"))


@router.post("/registrations/check", status_code=204, dependencies=[PUBLIC])
async def check_registration(
    body: schemas.RegistrationCheck, database: OwnTransactions, settings: Configured, address: Address
) -> None:
    await count_request(database, Limit(f"check {address}", settings.check_limit), clock.now())
    async with database.sessions.begin() as session:
        await registrations.check(session, body.username, body.password)


@router.post("/claims", status_code=201, dependencies=[PUBLIC])
async def claim(
    body: schemas.ClaimAsked, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.ClaimGiven:
    now, limits = clock.now(), [Limit(f"claim {address}", settings.claim_limit)]
    async with (
        guess(database, limits, claims.ClaimRefused, now),
        database.sessions.begin() as session,
    ):
        secret, expires_at = await claims.prove(
            session, body.dossier_number, body.last_name, body.email, body.first_name, now
        )
    return schemas.ClaimGiven(dossier_claim=secret, expires_at=expires_at)


@router.post("/link-requests", status_code=202, dependencies=[PUBLIC])
async def ask_link(
    body: schemas.LinkAsked, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    now = clock.now()
    await count_request(database, Limit(f"link {address}", settings.link_request_limit), now)
    async with database.sessions.begin() as session:
        link_requests.ask(session, body.dossier_number, body.first_name, body.last_name, body.email, now)
    return Response(status_code=202)


@router.get("/link-requests")
async def link_requests_to_decide(
    caller: Agent, session: Session, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: UUID | None = None
) -> schemas.LinkRequests:
    items, next_cursor = await link_requests.oldest(session, limit, cursor)
    return schemas.LinkRequests(
        items=[schemas.LinkRequest.model_validate(item) for item in items], next_cursor=next_cursor
    )


@router.post("/registrations", status_code=202, dependencies=[PUBLIC])
async def register(body: schemas.Registration, session: Session) -> Response:
    await registrations.register(
        session,
        last_name=body.last_name,
        first_name=body.first_name,
        email=body.email,
        username=body.username,
        password=body.password,
        claim_secret=body.dossier_claim,
        versions={"terms": body.terms_version, "privacy": body.privacy_version},
        now=clock.now(),
    )
    return Response(status_code=202)


@router.post("/registrations/resend", status_code=202, dependencies=[PUBLIC])
async def resend(body: schemas.ResendAsked, database: OwnTransactions, settings: Configured) -> Response:
    """Always the same answer after the same time: it tells nobody who is registering."""
    started, now = perf_counter(), clock.now()
    async with database.sessions.begin() as session:
        limit = Limit(f"resend {body.email.casefold()}", settings.resend_limit)
        if not await throttling.count(session, [limit], now):
            await registrations.resend(session, body.email, now)
    await asyncio.sleep(started + RESEND_TAKES_S - perf_counter())
    return Response(status_code=202)


@router.post("/activations", status_code=204, dependencies=[PUBLIC])
async def activate(body: schemas.Activation, session: Session) -> None:
    await registrations.activate(session, body.token, clock.now())


@router.post("/sessions", status_code=201, dependencies=[PUBLIC])
async def sign_in(
    body: schemas.SignIn, response: Response, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.Tokens:
    now = clock.now()
    account_limit = Limit(f"sign-in {body.login.casefold()} {address}", settings.sign_in_limit)
    limits = [account_limit, Limit(f"sign-in {address}", settings.sign_in_address_limit)]
    async with guess(database, limits, sessions.SignInRefused, now):
        async with database.sessions.begin() as session:
            found = await accounts.by_login(session, body.login)
        account, step = await sessions.prove(found, body.password, body.otp, now)
        async with database.sessions.begin() as session:
            # Again: what was guessed at the same moment counts too, or many tries at once would all be heard.
            await throttling.refuse_spent(session, limits, now)
            line, token = await sessions.start(session, account, step, now)
            await throttling.forget(session, account_limit)
    return _tokens(response, settings, account, line, token, now)


@router.post("/sessions/refresh", dependencies=[PUBLIC], response_model=schemas.Tokens)
async def refresh(
    body: schemas.RefreshAsked, response: Response, session: Session, settings: Configured
) -> schemas.Tokens | Response:
    now = clock.now()
    found = await sessions.refresh(session, body.refresh_token, now)
    if found is None:
        # Answered, not raised: that the line ended must be committed.
        return Unauthenticated().response()
    return _tokens(response, settings, *found, now)


def _tokens(
    response: Response, settings: Settings, account: Account, line: UUID, refresh_token: str, now: datetime
) -> schemas.Tokens:
    response.headers["Cache-Control"] = "no-store"
    token = access_token(
        settings.signing_key,
        settings.token_issuer,
        now,
        sub=account.id,
        role=account.role,
        dossier_id=account.dossier_id,
        guardian_id=account.guardian_id,
        site_ids=account.site_ids,
        sid=line,
    )
    return schemas.Tokens(access_token=token, refresh_token=refresh_token, expires_in=int(ACCESS_VALID.total_seconds()))


@router.delete("/sessions/current", status_code=204)
async def sign_out(caller: Someone, session: Session) -> None:
    await sessions.end(session, caller.sub, caller.sid)


@router.get("/me")
async def me(caller: Someone, session: Session) -> schemas.Me:
    return schemas.Me.model_validate(await sessions.account_of(session, caller.sub))


_TOKEN_BODY = {"schema": schemas.TokenAsked.model_json_schema()}


@router.post(
    "/oauth/token",
    dependencies=[PUBLIC],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": _TOKEN_BODY, "application/json": _TOKEN_BODY},
        }
    },
)
async def client_token(
    request: Request, response: Response, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.ClientToken:
    """RFC 6749, section 4.4: client credentials, in the body or by HTTP Basic."""
    now, asked = clock.now(), await _token_asked(request)
    limits = [
        Limit(f"client {asked.client_id} {address}", settings.sign_in_limit),
        Limit(f"sign-in {address}", settings.sign_in_address_limit),
    ]
    async with guess(database, limits, clients.InvalidClient, now):
        async with database.sessions.begin() as session:
            found = await clients.by_name(session, asked.client_id)
        client, scope = await clients.prove(found, asked.client_secret, asked.scope)
    response.headers["Cache-Control"] = "no-store"
    token = access_token(
        settings.signing_key, settings.token_issuer, now, sub=client.id, role="integrator", scope=scope
    )
    return schemas.ClientToken(access_token=token, expires_in=int(ACCESS_VALID.total_seconds()), scope=scope)


async def _token_asked(request: Request) -> schemas.TokenAsked:
    """What a client asks, however it sends it; raises clients.InvalidRequest or clients.UnsupportedGrantType."""
    try:
        if request.headers.get("content-type", "").partition(";")[0].strip() == "application/json":
            fields = dict(await request.json())
        else:
            fields = dict(await request.form())
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            name, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
            fields |= {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
        asked = schemas.TokenAsked.model_validate(fields)
    except (TypeError, ValueError, RecursionError) as error:
        raise clients.InvalidRequest from error
    if asked.grant_type != "client_credentials":
        raise clients.UnsupportedGrantType
    return asked


@router.get("/.well-known/jwks.json", dependencies=[PUBLIC])
async def keys(response: Response, settings: Configured) -> schemas.KeySet:
    response.headers["Cache-Control"] = "public, max-age=300"
    return schemas.KeySet(keys=[public_jwk(settings.signing_key)])
