"""The town's programs over HTTP: named by an administrator, they get their tokens."""

import base64
from datetime import timedelta
from urllib.parse import unquote_plus
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.identifiers import new_id
from chassis.policies import PUBLIC
from chassis.problems import NotFound, problems
from contracts.caller import ACCESS_VALID, Caller
from fastapi import APIRouter, Request

from identity import passwords, signing
from identity.clients import keeping, proofs, schemas
from identity.edge import Address, Configured, OwnTransactions
from identity.sessions.policies import Administrator
from identity.throttling import guesses
from identity.throttling.tries import TooManyTries, refuse_spent
from identity.tokens import new_secret

router = APIRouter()

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
@problems(TooManyTries, proofs.InvalidClient, proofs.InvalidRequest, proofs.InvalidScope, proofs.UnsupportedGrantType)
async def client_token(
    request: Request, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.ClientToken:
    """RFC 6749, section 4.4: client credentials, in the body or by HTTP Basic."""
    now, asked = clock.now(), await _token_asked(request)
    login = f"client {asked.client_id}"
    limits = guesses.limits_of(settings, login, address)
    async with database.sessions.begin() as session:
        await refuse_spent(session, limits, now)
        found = await proofs.by_name(session, asked.client_id, now)
        owner_id = found.client.id if found else None
        stranger = await guesses.stranger(session, settings, login, owner_id, address)
    async with guesses.guessing(database, address, limits, stranger, proofs.InvalidClient) as counted:
        if stranger:  # which has waited for its turn
            async with database.sessions.begin() as session:
                found = await proofs.by_name(session, asked.client_id, clock.now())
        client, scope = await proofs.prove(found, asked.client_secret, asked.scope)
        async with database.sessions.begin() as session:
            await guesses.proved(session, settings, client.id, address, counted, now)
            caller = Caller(sub=client.id, role="integrator", scope=scope)
            token = await signing.access_token(session, settings, caller, now)
    return schemas.ClientToken(access_token=token, expires_in=int(ACCESS_VALID.total_seconds()), scope=scope)


async def _token_asked(request: Request) -> schemas.TokenAsked:
    """What a client asks, however it sends it; raises proofs.InvalidRequest or proofs.UnsupportedGrantType."""
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
        raise proofs.InvalidRequest from error
    if asked.grant_type != "client_credentials":
        raise proofs.UnsupportedGrantType
    return asked


@router.get("/clients")
async def clients(_administrator: Administrator, paging: Paged, session: Session) -> Page[schemas.Program]:
    found = await keeping.page(session, paging.limit + 1, paging.cursor)
    secrets = await keeping.secrets_of(session, found, clock.now())
    return paging.page(found, lambda one: schemas.Program.of(one, secrets[one.id]), lambda one: one.id)


@router.post("/clients", status_code=201)
@problems(keeping.ClientExists)
async def add_client(_administrator: Administrator, body: schemas.NewClient, session: Session) -> schemas.SecretTold:
    """Its secret is told this once."""
    secret, fresh = await _fresh()
    client = await keeping.add(session, body.name, body.scope, fresh, clock.now())
    return schemas.SecretTold(id=client.id, name=client.name, scope=client.scope, secret=secret)


@router.post("/clients/{client_id}/secrets", status_code=201)
@problems(NotFound)
async def rotate_secret(
    _administrator: Administrator, client_id: UUID, body: schemas.Rotation, session: Session
) -> schemas.SecretTold:
    """A new one, told this once; the former is good for as long as it is said, so that no request is refused."""
    secret, fresh = await _fresh()
    former_valid = timedelta(hours=body.former_valid_h)
    client = await keeping.rotate(session, client_id, fresh, former_valid, clock.now())
    return schemas.SecretTold(id=client.id, name=client.name, scope=client.scope, secret=secret)


async def _fresh() -> tuple[str, keeping.Fresh]:
    """A new secret, and what is kept of it."""
    secret_id = new_id()
    secret = keeping.beginning(secret_id) + new_secret()
    return secret, keeping.Fresh(secret_id, await passwords.hashed(secret))


@router.delete("/clients/{client_id}", status_code=204)
@problems(NotFound)
async def remove_client(_administrator: Administrator, client_id: UUID, session: Session) -> None:
    await keeping.remove(session, client_id)
