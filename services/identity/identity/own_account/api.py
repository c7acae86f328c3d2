"""One's own account, over HTTP."""

from typing import Annotated

from chassis import clock
from chassis.policies import PUBLIC
from chassis.problems import problems
from fastapi import APIRouter, Path, Response

from identity import passwords
from identity.edge import Address, Configured, OwnTransactions, taking
from identity.names import email_key
from identity.own_account import password_resets, schemas
from identity.registrations import activation, credentials
from identity.throttling.guesses import limits_of, proved, room
from identity.throttling.tries import Limit, TooManyTries, count_request, is_spent

router = APIRouter()

Secret = Annotated[str, Path(max_length=200)]

#: Long enough that whether there was something to send does not show.
RESET_TAKES_S = 0.05


@router.post("/password-resets", status_code=202, dependencies=[PUBLIC])
@problems(TooManyTries)
async def ask_reset(
    body: schemas.ResetAsked, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    """Always the same answer after the same time: it tells nobody who has an account.

    Who is still registering gets their link again: it too takes a new password.
    """
    await count_request(database, Limit(f"reset from {address}", settings.reset_address_limit))
    now, mailed = clock.now(), Limit(f"reset {email_key(body.email)}", settings.reset_limit, password_resets.LINK_VALID)
    async with taking(RESET_TAKES_S), database.sessions.begin() as session:
        if not await is_spent(session, [mailed], now):
            await password_resets.ask(session, body.email, now)
            await activation.resend(session, body.email, now)
    return Response(status_code=202)


@router.get("/password-resets/{token}", dependencies=[PUBLIC])
@problems(password_resets.ResetGone)
async def reset_asked(token: Secret, database: OwnTransactions) -> schemas.ResetLinked:
    async with database.sessions.begin() as session:
        account, link = await password_resets.linked(session, token, clock.now())
    return schemas.ResetLinked(
        username=account.username,
        first_name=account.first_name,
        last_name=account.last_name,
        expires_at=link.expires_at,
    )


@router.put("/password-resets/{token}", status_code=204, dependencies=[PUBLIC])
@problems(TooManyTries, password_resets.ResetGone)
async def reset(
    token: Secret, body: schemas.NewPassword, database: OwnTransactions, settings: Configured, address: Address
) -> None:
    """Signing in next is slowed by no wrong tries of before from this address."""
    now = clock.now()
    async with room(address) as hashing:
        async with database.sessions.begin() as session:
            account, _ = await password_resets.linked(session, token, now)
            await credentials.check(session, None, body.new_password, now, own=account, pointer="/new_password")
        async with hashing:
            password_hash = await passwords.hashed(body.new_password)
        async with database.sessions.begin() as session:
            account = await password_resets.replace(session, token, password_hash, now)
            for login in (account.username_key, account.email_key):
                await proved(session, settings, account.id, address, limits_of(settings, login, address)[0], now)
