"""Passkeys over HTTP: one's own, and signing in."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.database import Session
from chassis.policies import PUBLIC, Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends

from identity.edge import Address, Configured, OwnTransactions
from identity.own_account import changing
from identity.own_account.schemas import OwnProof
from identity.passkeys import keeping, schemas
from identity.sessions import lines
from identity.sessions.policies import Someone
from identity.sessions.proofs import SignInRefused
from identity.sessions.schemas import Tokens
from identity.throttling.tries import Limit, TooManyTries, count_request, guess

router = APIRouter()

Owner = Annotated[Reach, Depends(Policy("guardian", "agent", "cashier", "administrator", reach="account"))]


@router.post("/passkeys/options")
@problems(TooManyTries)
async def offer(
    body: OwnProof, caller: Owner, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.Options:
    """For five minutes, to whom proves the password (and the second factor, where there is one)."""
    now = clock.now()
    own = await changing.prove(
        database, settings, caller, address, now, password=body.password, otp=body.otp, by_both=True
    )
    async with changing.proved(database, own) as (session, locked):
        return schemas.Options(public_key=await keeping.offer(session, settings, locked, now))


@router.post("/passkeys", status_code=201)
async def register(
    body: schemas.NewPasskey, caller: Someone, session: Session, settings: Configured
) -> schemas.OwnPasskey:
    passkey = await keeping.register(session, settings, caller, body.name, body.credential, clock.now())
    return schemas.OwnPasskey.model_validate(passkey)


@router.get("/passkeys")
async def passkeys(caller: Someone, session: Session) -> schemas.OwnPasskeys:
    own = await keeping.of(session, caller)
    return schemas.OwnPasskeys(items=[schemas.OwnPasskey.model_validate(one) for one in own])


@router.delete("/passkeys/{passkey_id}", status_code=204)
@problems(NotFound)
async def remove(caller: Someone, passkey_id: UUID, session: Session) -> None:
    await keeping.remove(session, caller, passkey_id, clock.now())


@router.post("/sessions/passkey/options", dependencies=[PUBLIC])
@problems(TooManyTries)
async def ask(database: OwnTransactions, settings: Configured, address: Address) -> schemas.Options:
    """For five minutes, the same for everybody: the device knows whose passkeys it has."""
    await count_request(database, Limit(f"passkey options {address}", settings.check_limit))
    async with database.sessions.begin() as session:
        return schemas.Options(public_key=await keeping.ask(session, settings, clock.now()))


@router.post("/sessions/passkey", status_code=201, dependencies=[PUBLIC])
@problems(TooManyTries, SignInRefused)
async def sign_in(body: schemas.Signed, database: OwnTransactions, settings: Configured, address: Address) -> Tokens:
    """No second factor is asked beside it."""
    now = clock.now()
    tries = [Limit(f"passkey {address}", settings.sign_in_address_limit)]
    async with guess(database, tries, SignInRefused), database.sessions.begin() as session:
        account = await keeping.prove(session, settings, body.credential, now)
        return Tokens.of(await lines.start(session, settings, account, now))
