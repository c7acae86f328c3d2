"""Signing in and out, who is signed in, and the public keys, over HTTP."""

from datetime import timedelta
from uuid import UUID

from chassis import clock
from chassis.database import Session
from chassis.policies import PUBLIC
from chassis.problems import NotFound, problems
from chassis.tokens import Unauthenticated
from fastapi import APIRouter, Response

from identity import accounts, signing
from identity.edge import Address, Configured, OwnTransactions
from identity.sessions import lines, proofs, schemas
from identity.sessions.policies import Someone
from identity.throttling import guesses
from identity.throttling.tries import Limit, TooManyTries, refuse_spent
from identity.tokens import public_jwk

router = APIRouter()


@router.post("/sessions", status_code=201, dependencies=[PUBLIC])
@problems(TooManyTries, proofs.SignInRefused, proofs.NotActivated, proofs.AccessEnded, proofs.SecondFactorRequired)
async def sign_in(
    body: schemas.SignIn, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.Tokens:
    now, login = clock.now(), accounts.login_key(body.login)
    limits = guesses.limits_of(settings, login, address)
    async with database.sessions.begin() as session:
        device = await proofs.device_of(session, body.device_token) if body.device_token else None
        if device:  # a PIN is guessed with the tablet in hand, wherever that is
            limits = [Limit(f"pin {login} {device.id}", settings.pin_limit, timedelta(hours=1))]
        await refuse_spent(session, limits, now)
        found = await accounts.by_login(session, body.login)
        owner_id = found.id if found else None
        stranger = None if device else await guesses.stranger(session, settings, login, owner_id, address)
    async with guesses.guessing(database, address, limits, stranger, proofs.SignInRefused) as counted:
        if stranger:  # who has waited for their turn
            async with database.sessions.begin() as session:
                found = await accounts.by_login(session, body.login)
        second = None
        if body.pin is not None:
            account = await proofs.prove_pin(found, device, body.pin)
        else:
            account, second = await proofs.prove(found, str(body.password), body.otp, now)
        async with database.sessions.begin() as session:
            granted = await lines.start(session, settings, account, now, second=second, device=device)
            await guesses.proved(session, settings, account.id, address, counted, now)
    return schemas.Tokens.of(granted)


@router.post("/sessions/refresh", dependencies=[PUBLIC], response_model=schemas.Tokens)
@problems(Unauthenticated)
async def refresh(body: schemas.RefreshAsked, session: Session, settings: Configured) -> schemas.Tokens | Response:
    now = clock.now()
    granted = await lines.refresh(session, settings, body.refresh_token, now)
    if granted is None:
        # Answered, not raised: that the line ended must be committed.
        return Unauthenticated().response()
    return schemas.Tokens.of(granted)


@router.get("/sessions")
async def sessions(caller: Someone, session: Session) -> schemas.OwnSessions:
    living = await lines.living(session, caller, clock.now())
    return schemas.OwnSessions(items=[schemas.OwnSession.of(one, caller) for one in living])


@router.delete("/sessions/current", status_code=204)
async def sign_out(caller: Someone, session: Session) -> None:
    await lines.end(session, caller)


@router.delete("/sessions/{session_id}", status_code=204)
@problems(NotFound)
async def end_session(caller: Someone, session_id: UUID, session: Session) -> None:
    """One of the caller's own, wherever it was begun."""
    await lines.end_one(session, caller, session_id)


@router.get("/me")
async def me(caller: Someone, session: Session) -> schemas.Me:
    return schemas.Me.model_validate(await lines.account_of(session, caller))


@router.get("/.well-known/jwks.json", dependencies=[PUBLIC])
async def keys(response: Response, session: Session, settings: Configured) -> schemas.KeySet:
    response.headers["Cache-Control"] = "public, max-age=300"
    return schemas.KeySet(
        keys=[public_jwk(key) for key in await signing.published(session, settings.secret, clock.now())]
    )
