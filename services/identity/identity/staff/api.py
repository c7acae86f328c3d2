"""The staff's accounts, over HTTP."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.editing import SeenVersion, tagged
from chassis.policies import PUBLIC
from chassis.problems import NotFound, problems
from fastapi import APIRouter, Path, Response

from identity import passwords, second_factor
from identity.edge import Address, OwnTransactions
from identity.models import AccountStatus
from identity.own_account.schemas import RecoveryCodes
from identity.registrations import credentials
from identity.sessions.policies import Administrator
from identity.staff import editing, invitations, schemas, tablets
from identity.throttling.guesses import room
from identity.throttling.tries import TooManyTries

router = APIRouter()

Token = Annotated[str, Path(max_length=200)]


@router.get("/accounts")
async def staff_accounts(
    _administrator: Administrator,
    paging: Paged,
    session: Session,
    status: AccountStatus | None = None,
    role: schemas.StaffRole | None = None,
) -> Page[schemas.StaffAccount]:
    found = await editing.page(session, status, role, paging.limit + 1, paging.cursor)
    return paging.page(found, schemas.StaffAccount.model_validate, lambda account: account.id)


@router.post("/accounts", status_code=201)
async def open_account(
    _administrator: Administrator, body: schemas.NewStaff, session: Session, response: Response
) -> schemas.StaffAccount:
    """Site staff may sign in at once on their tablets; the others are mailed a link, good for 72 hours."""
    columns = body.model_dump(exclude={"username", "pin"})
    pin_hash = await passwords.hashed(body.pin) if body.pin else None
    account = await editing.open_account(session, body.username, columns, pin_hash, clock.now())
    return schemas.StaffAccount.model_validate(tagged(response, account))


@router.get("/accounts/{account_id}")
@problems(NotFound)
async def staff_account(
    _administrator: Administrator, account_id: UUID, session: Session, response: Response
) -> schemas.StaffAccount:
    return schemas.StaffAccount.model_validate(tagged(response, await editing.read(session, account_id)))


@router.patch("/accounts/{account_id}")
@problems(NotFound, editing.AccountClosed, editing.LastAdministrator)
async def change_account(
    _administrator: Administrator,
    account_id: UUID,
    body: schemas.StaffChange,
    session: Session,
    seen: SeenVersion,
    response: Response,
) -> schemas.StaffAccount:
    """Its sessions end, so that what it may do counts at once; in other services a moment later."""
    pin_hash = await passwords.hashed(body.pin) if body.pin else None
    asked = editing.Change(body.changes(), pin_hash, close=body.status == "closed")
    account = await editing.change(session, seen, account_id, asked, clock.now())
    return schemas.StaffAccount.model_validate(tagged(response, account))


@router.post("/accounts/{account_id}/invitation", status_code=202)
@problems(NotFound, invitations.NotInvited)
async def invite(_administrator: Administrator, account_id: UUID, session: Session) -> Response:
    """A new link, also for who lost their second factor: nothing of theirs changes before it is followed."""
    account = await editing.read(session, account_id, locked=True)
    await invitations.invite(session, account, clock.now())
    return Response(status_code=202)


@router.get("/devices")
async def tablets_enrolled(_administrator: Administrator, paging: Paged, session: Session) -> Page[schemas.Tablet]:
    found = await tablets.page(session, paging.limit + 1, paging.cursor)
    return paging.page(found, schemas.Tablet.model_validate, lambda tablet: tablet.id)


@router.post("/devices", status_code=201)
async def enrol_tablet(
    _administrator: Administrator, body: schemas.NewTablet, session: Session
) -> schemas.TabletEnrolled:
    tablet, token = await tablets.enrol(session, body.site_id, body.name, clock.now())
    return schemas.TabletEnrolled(
        id=tablet.id, site_id=tablet.site_id, name=tablet.name, created_at=tablet.created_at, device_token=token
    )


@router.delete("/devices/{device_id}", status_code=204)
@problems(NotFound)
async def remove_tablet(_administrator: Administrator, device_id: UUID, session: Session) -> None:
    """Its sessions end at once; in other services a moment later."""
    await tablets.remove(session, device_id)


@router.get("/staff-invitations/{token}", dependencies=[PUBLIC])
@problems(invitations.InvitationGone)
async def invitation(token: Token, session: Session) -> schemas.Invitation:
    account, waiting = await invitations.linked(session, token, clock.now())
    return schemas.Invitation(
        username=account.username,
        first_name=account.first_name,
        last_name=account.last_name,
        secret=waiting.secret,
        uri=second_factor.uri(waiting.secret, account.username),
        expires_at=waiting.expires_at,
    )


@router.put("/staff-invitations/{token}", dependencies=[PUBLIC])
@problems(TooManyTries, invitations.InvitationGone)
async def take_invitation(
    token: Token, body: schemas.InvitationTaken, database: OwnTransactions, address: Address
) -> RecoveryCodes:
    now = clock.now()
    async with room(address) as hashing:
        async with database.sessions.begin() as session:
            account, _ = await invitations.linked(session, token, now)
            await credentials.check(session, None, body.new_password, now, own=account, pointer="/new_password")
        async with hashing:
            password_hash = await passwords.hashed(body.new_password)
        async with database.sessions.begin() as session:
            codes = await invitations.take(session, token, password_hash, body.otp, now)
    return RecoveryCodes(recovery_codes=list(codes))
