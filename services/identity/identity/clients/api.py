"""The town's programs get their tokens over HTTP."""

import base64
from urllib.parse import unquote_plus

from chassis import clock
from chassis.policies import PUBLIC
from chassis.problems import problems
from contracts.caller import Caller
from fastapi import APIRouter, Request

from identity.clients import proofs, schemas
from identity.edge import Address, Configured, OwnTransactions
from identity.throttling import guesses
from identity.throttling.tries import TooManyTries, refuse_spent
from identity.tokens import ACCESS_VALID, access_token

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
        found = await proofs.by_name(session, asked.client_id)
        stranger = await guesses.stranger(session, settings, login, found.id if found else None, address)
    async with guesses.guessing(database, address, limits, stranger, proofs.InvalidClient):
        async with database.sessions.begin() as session:
            found = await proofs.by_name(session, asked.client_id)
        client, scope = await proofs.prove(found, asked.client_secret, asked.scope)
        async with database.sessions.begin() as session:
            await guesses.proved(session, settings, client.id, address, limits[0], now)
    caller = Caller(sub=client.id, role="integrator", scope=scope)
    token = access_token(settings.signing_key, settings.token_issuer, now, caller)
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
