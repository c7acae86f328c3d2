"""One's own account, over HTTP."""

from typing import Annotated

from chassis import clock
from chassis.database import Session
from chassis.policies import PUBLIC, Policy
from chassis.problems import problems
from chassis.reach import Reach
from chassis.tokens import Unauthenticated
from fastapi import APIRouter, Depends, Path, Response

from identity import passwords, second_factor
from identity.edge import Address, Configured, OwnTransactions, taking
from identity.names import email_key
from identity.own_account import changing, closing, password_resets, schemas, totp
from identity.registrations import activation, credentials
from identity.sessions import lines
from identity.sessions.schemas import Me
from identity.throttling.guesses import limits_of, proved, room
from identity.throttling.tries import Counted, Limit, TooManyTries, count_request, is_spent

router = APIRouter()

#: Whoever has a password. That their session lives is asked where no connection waits for a hash meanwhile.
Owner = Annotated[Reach, Depends(Policy("guardian", "agent", "cashier", "administrator", reach="account"))]
Guardian = Annotated[Reach, Depends(Policy("guardian", reach="account"))]
Token = Annotated[str, Path(max_length=200)]

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
async def reset_asked(token: Token, database: OwnTransactions) -> schemas.ResetLinked:
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
    token: Token, body: schemas.NewPassword, database: OwnTransactions, settings: Configured, address: Address
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
                tried = Counted(limits_of(settings, login, address)[:1])
                await proved(session, settings, account.id, address, tried, now)


@router.patch("/me")
@problems(TooManyTries)
async def change_username(
    body: schemas.UsernameChange, caller: Owner, database: OwnTransactions, settings: Configured, address: Address
) -> Me:
    """Another username. Names are the dossier's, or the administrator's; the rest has calls of its own."""
    await count_request(database, Limit(f"check {address}", settings.check_limit))
    now = clock.now()
    own = await changing.prove(database, settings, caller, address, now, password=body.password)
    async with changing.proved(database, own) as (session, locked):
        await changing.change_username(session, locked, body.username, body.password, now)
        return Me.model_validate(locked)


@router.put("/me/password", status_code=204)
@problems(TooManyTries)
async def change_password(
    body: schemas.PasswordChange, caller: Owner, database: OwnTransactions, settings: Configured, address: Address
) -> None:
    """Every other session of theirs ends."""
    now = clock.now()
    own = await changing.prove(database, settings, caller, address, now, password=body.password)
    async with database.sessions.begin() as session:
        await credentials.check(session, None, body.new_password, now, own=own.account, pointer="/new_password")
    async with room(address) as hashing, hashing:
        password_hash = await passwords.hashed(body.new_password)
    async with changing.proved(database, own) as (session, locked):
        await changing.change_password(session, locked, password_hash, "depuis votre compte", caller.sid, now)


@router.put("/me/email", status_code=202)
@problems(TooManyTries)
async def change_email(
    body: schemas.EmailAsked, caller: Owner, database: OwnTransactions, settings: Configured, address: Address
) -> Response:
    """Nothing changes before the link mailed to the new address is followed."""
    await count_request(database, Limit(f"email {caller.sub}", settings.reset_limit, password_resets.LINK_VALID))
    now = clock.now()
    own = await changing.prove(database, settings, caller, address, now, password=body.password)
    async with changing.proved(database, own) as (session, locked):
        await changing.ask_email(session, locked, body.email, now)
    return Response(status_code=202)


@router.post("/email-confirmations", status_code=204, dependencies=[PUBLIC])
@problems(changing.EmailLinkGone)
async def confirm_email(body: schemas.EmailConfirmed, session: Session) -> None:
    await changing.confirm_email(session, body.token, clock.now())


@router.delete("/me", status_code=204)
@problems(TooManyTries)
async def close(
    body: schemas.Closing, caller: Guardian, database: OwnTransactions, settings: Configured, address: Address
) -> None:
    """A guardian's; those of the staff are closed by an administrator."""
    now = clock.now()
    own = await changing.prove(database, settings, caller, address, now, password=body.password)
    async with changing.proved(database, own) as (session, locked):
        await closing.close(session, locked, now)


@router.post("/me/totp", status_code=201)
@problems(TooManyTries)
async def offer_totp(
    body: schemas.OwnProof, caller: Owner, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.TotpOffered:
    """A secret for an application, good for an hour: it counts once a code of it is given."""
    now = clock.now()
    own = await changing.prove(
        database, settings, caller, address, now, password=body.password, otp=body.otp, by_both=True
    )
    expires_at = now + second_factor.ENROLMENT_VALID
    async with changing.proved(database, own) as (session, locked):
        secret = await second_factor.offer(session, locked, expires_at)
    return schemas.TotpOffered(
        secret=secret, uri=second_factor.uri(secret, own.account.username), expires_at=expires_at
    )


@router.put("/me/totp")
@problems(Unauthenticated)
async def enrol_totp(body: schemas.TotpCode, caller: Owner, database: OwnTransactions) -> schemas.RecoveryCodes:
    """The secret that was offered is the account's second factor; its other sessions end."""
    now = clock.now()
    async with database.sessions.begin() as session:
        await lines.refuse_ended(session, caller, now)
        codes = await totp.enrol(session, caller, body.otp, now)
    return schemas.RecoveryCodes(recovery_codes=list(codes))


@router.delete("/me/totp", status_code=204)
@problems(TooManyTries)
async def drop_totp(
    body: schemas.OwnProof, caller: Guardian, database: OwnTransactions, settings: Configured, address: Address
) -> None:
    """A guardian's: the staff must have one."""
    now = clock.now()
    own = await changing.prove(
        database, settings, caller, address, now, password=body.password, otp=body.otp, by_both=True
    )
    async with changing.proved(database, own) as (session, locked):
        await totp.drop(session, locked, now)


@router.post("/me/recovery-codes", status_code=201)
@problems(TooManyTries, totp.NoSecondFactor)
async def renew_recovery_codes(
    body: schemas.OwnProof, caller: Owner, database: OwnTransactions, settings: Configured, address: Address
) -> schemas.RecoveryCodes:
    """Ten new ones; those of before are dead."""
    own = await changing.prove(
        database, settings, caller, address, clock.now(), password=body.password, otp=body.otp, by_both=True
    )
    async with changing.proved(database, own) as (session, locked):
        codes = await totp.renew_codes(session, locked)
    return schemas.RecoveryCodes(recovery_codes=list(codes))
