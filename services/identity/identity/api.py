"""Identity over HTTP: legal texts, registration, sessions, the town's programs, and the public keys."""

import asyncio
import base64
from datetime import datetime, timedelta
from time import perf_counter
from typing import Annotated, Any
from urllib.parse import unquote_plus
from uuid import UUID

from chassis import clock
from chassis.database import Database, Session
from chassis.listening import client_address
from chassis.policies import PUBLIC, Policy
from chassis.problems import NotFound, problems
from chassis.tokens import Unauthenticated
from contracts.caller import Caller
from fastapi import APIRouter, Depends, Query, Request, Response

from identity import (
    accounts,
    claims,
    clients,
    known_addresses,
    lanes,
    legal,
    link_requests,
    passwords,
    registrations,
    schemas,
    sessions,
    throttling,
)
from identity.lanes import guessing
from identity.models import Account
from identity.names import email_key
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
    return throttling.source(client_address(request))


#: For what opens transactions of its own, where a refusal must leave a trace or none may wait for a password's hash.
OwnTransactions = Annotated[Database, Depends(_database)]
Configured = Annotated[Settings, Depends(_settings)]
Address = Annotated[str, Depends(_client)]


def _signed_in(policy: Policy) -> Any:
    """The caller whom the policy allows, if their session still lives: elsewhere its end is known ten minutes later."""

    async def living(caller: Annotated[Caller, Depends(policy)], session: Session) -> Caller:
        await sessions.refuse_ended(session, caller, clock.now())
        return caller

    return Depends(living)


Someone = Annotated[Caller, _signed_in(Policy("guardian", "agent", "cashier", "administrator", "site_staff"))]
Agent = Annotated[Caller, _signed_in(Policy("agent", "administrator"))]


@router.get("/legal/terms", dependencies=[PUBLIC])
@problems(NotFound)
async def terms(session: Session) -> schemas.LegalText:
    return schemas.LegalText.model_validate(await legal.current(session, "terms"))


@router.get("/legal/privacy", dependencies=[PUBLIC])
@problems(NotFound)
async def privacy(session: Session) -> schemas.LegalText:
    return schemas.LegalText.model_validate(await legal.current(session, "privacy"))


@router.post("/registrations/check", status_code=204, dependencies=[PUBLIC])
@problems(throttling.TooManyTries)
async def check_registration(
    body: schemas.RegistrationCheck, database: OwnTransactions, settings: Configured, address: Address
) -> None:
    await count_request(database, Limit(f"check {address}", settings.check_limit), clock.now())
    async with database.sessions.begin() as session:
        await registrations.check(session, body.username, body.password, clock.now())


def _claim_limit(settings: Settings, address: str) -> Limit:
    return Limit(f"claim {address}", settings.claim_limit)


@router.post("/claims", status_code=201, dependencies=[PUBLIC])
@problems(throttling.TooManyTries, claims.ClaimRefused, accounts.AlreadyRegistered)
async def claim(
    body: schemas.ClaimAsked, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.ClaimGiven:
    now, limits = clock.now(), [_claim_limit(settings, address)]
    async with guess(database, limits, claims.ClaimRefused), database.sessions.begin() as session:
        secret, expires_at = await claims.prove(
            session, body.dossier_number, body.last_name, body.email, body.first_name, now
        )
    return schemas.ClaimGiven(dossier_claim=secret, expires_at=expires_at)


@router.post("/link-requests", status_code=202, dependencies=[PUBLIC])
@problems(throttling.TooManyTries, link_requests.TooManyWaiting)
async def ask_link(
    body: schemas.LinkAsked, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    now = clock.now()
    await count_request(database, Limit(f"link {address}", settings.link_request_limit), now)
    async with database.sessions.begin() as session:
        most = settings.link_requests_waiting
        await link_requests.ask(
            session, body.dossier_number, body.first_name, body.last_name, body.email, now, most=most
        )
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
@problems(throttling.TooManyTries, claims.ClaimGone, accounts.AlreadyRegistered)
async def register(
    body: schemas.Registration, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    """The claim is judged first; who has one learns of usernames no faster than by the first step's check."""
    now = clock.now()
    versions: dict[legal.Kind, str] = {"terms": body.terms_version, "privacy": body.privacy_version}
    asked = {"email": body.email, "username": body.username, "password": body.password}
    await count_request(database, Limit(f"check {address}", settings.check_limit), now)
    async with throttling.room(address) as hashing:
        async with (
            guess(database, [_claim_limit(settings, address)], claims.ClaimGone),
            database.sessions.begin() as session,
        ):
            await registrations.judge(session, **asked, claim_secret=body.dossier_claim, versions=versions, now=now)
        async with hashing:
            password_hash = await passwords.hashed(body.password)
        async with database.sessions.begin() as session:
            claim, guardian = await registrations.judge(
                session, **asked, claim_secret=body.dossier_claim, versions=versions, now=now
            )
            account = await registrations.register(
                session,
                claim,
                guardian,
                username=body.username,
                password_hash=password_hash,
                versions=versions,
                now=now,
            )
            # However often somebody registers a guardian, that one is not flooded: each link mailed lets them in.
            if not await throttling.is_spent(session, [Limit(f"mail {account.email_key}", settings.resend_limit)], now):
                await registrations.send_link(session, account, now)
    return Response(status_code=202)


@router.post("/registrations/resend", status_code=202, dependencies=[PUBLIC])
@problems(throttling.TooManyTries)
async def resend(
    body: schemas.ResendAsked, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    """Always the same answer after the same time: it tells nobody who is registering."""
    started, now = perf_counter(), clock.now()
    limits = [
        Limit(f"resend {email_key(body.email)}", settings.resend_limit),
        Limit(f"resend from {address}", settings.resend_address_limit),
    ]
    async with database.sessions.begin() as session:
        if not await throttling.is_spent(session, limits, now):
            await registrations.resend(session, body.email, now)
    await asyncio.sleep(started + RESEND_TAKES_S - perf_counter())
    return Response(status_code=202)


@router.post("/activations", status_code=204, dependencies=[PUBLIC])
@problems(throttling.TooManyTries, registrations.LinkGone, registrations.WrongPassword)
async def activate(body: schemas.Activation, database: OwnTransactions, settings: Configured, address: Address) -> None:
    now = clock.now()
    async with throttling.room(address) as hashing:
        async with database.sessions.begin() as session:
            account = await registrations.linked(session, body.token, now)
            if body.new_password is not None:
                await registrations.judge_change(session, account, body.username, body.new_password, now)
        if body.password is not None:
            limits = [
                Limit(f"activation {account.id} {address}", settings.sign_in_limit),
                Limit(f"sign-in {address}", settings.sign_in_address_limit),
            ]
            async with guess(database, limits, registrations.WrongPassword), hashing:
                if not await passwords.matches(body.password, account.password_hash):
                    raise registrations.WrongPassword
        else:
            async with hashing:
                new_hash = await passwords.hashed(str(body.new_password))
        async with database.sessions.begin() as session:
            account = await registrations.linked(session, body.token, now)
            if body.new_password is not None:
                await registrations.change(session, account, body.username, new_hash, now)
            await registrations.activate(session, account)


@router.post("/sessions", status_code=201, dependencies=[PUBLIC])
@problems(throttling.TooManyTries, sessions.SignInRefused, sessions.NotActivated, sessions.SecondFactorRequired)
async def sign_in(
    body: schemas.SignIn, response: Response, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.Tokens:
    now, login, key = clock.now(), accounts.login_key(body.login), settings.signing_key
    own = Limit(f"sign-in {login} {address}", settings.sign_in_limit)
    limits = [own, Limit(f"sign-in {address}", settings.sign_in_address_limit)]
    async with database.sessions.begin() as session:
        device = await sessions.device_of(session, body.device_token) if body.device_token else None
        if device:  # a PIN is guessed with the tablet in hand, wherever that is
            own = Limit(f"pin {login} {device.id}", settings.pin_limit, timedelta(hours=1))
            limits = [own]
        await throttling.refuse_spent(session, limits, now)
        found = await accounts.by_login(session, body.login)
        known = device is not None or await known_addresses.knows(session, key, found.id if found else None, address)
    stranger = None if known else lanes.Stranger(login, throttling.network(address), settings.longest_spacing_s)
    async with guessing(database, address, limits, stranger, sessions.SignInRefused):
        async with database.sessions.begin() as session:
            found = await accounts.by_login(session, body.login)  # again: it may have waited for its turn
        step = None
        if body.pin is not None:
            account = await sessions.prove_pin(found, device, body.pin)
        else:
            account, step = await sessions.prove(found, str(body.password), body.otp, now)
        async with database.sessions.begin() as session:
            line, token = await sessions.start(session, key, account, now, step=step, device=device)
            await known_addresses.remember(session, key, account.id, address, now)
            await throttling.forget(session, own)
    return _tokens(response, settings, account, line, token, now)


@router.post("/sessions/refresh", dependencies=[PUBLIC], response_model=schemas.Tokens)
@problems(Unauthenticated)
async def refresh(
    body: schemas.RefreshAsked, response: Response, session: Session, settings: Configured
) -> schemas.Tokens | Response:
    now = clock.now()
    found = await sessions.refresh(session, settings.signing_key, body.refresh_token, now)
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
@problems(
    throttling.TooManyTries,
    clients.InvalidClient,
    clients.InvalidRequest,
    clients.InvalidScope,
    clients.UnsupportedGrantType,
)
async def client_token(
    request: Request, response: Response, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.ClientToken:
    """RFC 6749, section 4.4: client credentials, in the body or by HTTP Basic."""
    now, asked, key = clock.now(), await _token_asked(request), settings.signing_key
    own = Limit(f"client {asked.client_id} {address}", settings.sign_in_limit)
    limits = [own, Limit(f"sign-in {address}", settings.sign_in_address_limit)]
    async with database.sessions.begin() as session:
        await throttling.refuse_spent(session, limits, now)
        found = await clients.by_name(session, asked.client_id)
        known = await known_addresses.knows(session, key, found.id if found else None, address)
    login = f"client {asked.client_id}"
    stranger = None if known else lanes.Stranger(login, throttling.network(address), settings.longest_spacing_s)
    async with guessing(database, address, limits, stranger, clients.InvalidClient):
        async with database.sessions.begin() as session:
            found = await clients.by_name(session, asked.client_id)
        client, scope = await clients.prove(found, asked.client_secret, asked.scope)
        async with database.sessions.begin() as session:
            await known_addresses.remember(session, key, client.id, address, now)
            await throttling.forget(session, own)
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
