"""Enrolment over HTTP."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from chassis import clock
from chassis.database import Driver, Session
from chassis.idempotency import OnceOnly
from chassis.policies import Policy
from chassis.problems import Forbidden, Malformed, NotFound, problems
from contracts.caller import Caller
from fastapi import APIRouter, Depends, Query, Response
from french.paris import day_in_paris
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment import bookings, cancellations, catalogue, holds
from enrolment.families import find_family
from enrolment.schemas import (
    Activities,
    ActivityAnswer,
    BookingAnswer,
    BookingRequest,
    Bookings,
    Confirmation,
    SiteAnswer,
    Sites,
    WeekAnswer,
    Weeks,
)

router = APIRouter()

Anybody = Annotated[
    Caller, Depends(Policy("guardian", "agent", "cashier", "administrator", "site_staff", "integrator"))
]
FamilyOrDesk = Annotated[Caller, Depends(Policy("guardian", "agent"))]
Limit = Annotated[int, Query(ge=1, le=100)]


def _dossier(caller: Caller, given: UUID | None) -> UUID:
    """The dossier acted upon: a guardian's own, the one an agent names. Raises Malformed, Forbidden."""
    if caller.role != "guardian":
        if given is None:
            raise Malformed(errors=[{"pointer": "/dossier_id", "detail": "Indiquez le dossier de la famille."}])
        return given
    if given is not None:
        raise Malformed(errors=[{"pointer": "/dossier_id", "detail": "Ce champ est réservé au guichet."}])
    if caller.dossier_id is None:
        raise Forbidden
    return caller.dossier_id


def _own(caller: Caller) -> UUID | None:
    """The only dossier whose things the caller may see; none: all of them."""
    return _dossier(caller, None) if caller.role == "guardian" else None


@router.get("/sites")
async def list_sites(_: Anybody, session: Session, cursor: UUID | None = None, limit: Limit = 100) -> Sites:
    found = await catalogue.sites(session, cursor, limit + 1)
    return Sites(
        items=[SiteAnswer.model_validate(site) for site in found[:limit]],
        next_cursor=found[limit - 1].id if len(found) > limit else None,
    )


@router.get("/activities")
async def list_activities(
    caller: Anybody,
    session: Session,
    kind: Literal["periscolaire", "restauration", "extrascolaire"] | None = None,
    child_id: UUID | None = None,
    dossier_id: UUID | None = None,
    cursor: UUID | None = None,
    limit: Limit = 100,
) -> Activities:
    """The catalogue; with a child, whether each activity is open to it."""
    found = await catalogue.activities(session, kind, cursor, limit + 1)
    items = [ActivityAnswer.model_validate(activity) for activity in found[:limit]]
    if child_id is not None:
        if caller.role not in ("guardian", "agent"):
            raise Forbidden
        family = await find_family(session, _dossier(caller, dossier_id), [child_id])
        for item in items:
            item.reason = catalogue.kind_refusal(item.kind, family)
            item.open = item.reason is None
    return Activities(items=items, next_cursor=found[limit - 1].id if len(found) > limit else None)


@router.get("/holiday-weeks")
@problems(NotFound)
async def list_holiday_weeks(
    caller: FamilyOrDesk,
    session: Session,
    child_id: UUID,
    since: Annotated[date | None, Query(alias="from")] = None,
    dossier_id: UUID | None = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> Weeks:
    """The weeks of the child's age, from today on or from another day."""
    now = clock.now()
    family = await find_family(session, _dossier(caller, dossier_id), [child_id])
    since = since or day_in_paris(now)
    found = await catalogue.offers(session, family, family.children[child_id], since, cursor, limit + 1, now)
    return Weeks(
        items=[WeekAnswer.of(offer) for offer in found[:limit]],
        next_cursor=found[limit - 1].week.id if len(found) > limit else None,
    )


@router.post("/bookings", status_code=201, response_model=BookingAnswer)
@problems(NotFound, holds.NotEligible, holds.SeveralRegies, holds.OverlappingWeek, holds.WeekFull)
async def hold(body: BookingRequest, caller: FamilyOrDesk, once: OnceOnly, connection: Driver) -> Response:
    """Hold a place for each line, all or none."""
    dossier_id, now = _dossier(caller, body.dossier_id), clock.now()

    async def held() -> Response:
        hold = await holds.judge(connection, dossier_id, body.wishes(), body.keep_available, now)
        answer = once.response(201, BookingAnswer.model_validate(hold))
        await holds.take(connection, hold, once.row(answer))
        return answer

    return await once.replay_or(connection, held)


@router.get("/bookings")
async def list_bookings(
    caller: FamilyOrDesk,
    session: Session,
    dossier_id: UUID | None = None,
    cursor: UUID | None = None,
    limit: Limit = 50,
) -> Bookings:
    """A family's bookings, the newest first."""
    found = await bookings.of_dossier(session, _dossier(caller, dossier_id), cursor, limit + 1)
    return Bookings(
        items=[BookingAnswer.of(booking, clock.now()) for booking in found[:limit]],
        next_cursor=found[limit - 1].id if len(found) > limit else None,
    )


@router.get("/bookings/{booking_id}")
async def read_booking(booking_id: UUID, caller: FamilyOrDesk, session: Session) -> BookingAnswer:
    return BookingAnswer.of(await bookings.find(session, _own(caller), booking_id), clock.now())


@router.post("/bookings/{booking_id}/confirm", status_code=202, response_model=BookingAnswer)
@problems(bookings.HoldExpired, bookings.NotHeld)
async def confirm(
    booking_id: UUID, body: Confirmation, caller: FamilyOrDesk, session: Session, once: OnceOnly
) -> Response:
    """« Payer »: billing opens the invoice."""

    async def confirmed() -> BaseModel:
        now = clock.now()
        return BookingAnswer.of(await bookings.confirm(session, _own(caller), booking_id, body.quote_id, now), now)

    return await once.answer(session, 202, confirmed)


@router.delete("/bookings/{booking_id}")
@problems(cancellations.AlreadyExpired, cancellations.WeekBegun)
async def cancel(booking_id: UUID, caller: FamilyOrDesk, session: Session) -> BookingAnswer:
    """Cancel every line that may still be, each on its own terms, and free their places."""
    return await _cancel(session, caller, booking_id, None)


@router.delete("/bookings/{booking_id}/lines/{position}")
@problems(cancellations.AlreadyExpired, cancellations.WeekBegun)
async def cancel_line(booking_id: UUID, position: int, caller: FamilyOrDesk, session: Session) -> BookingAnswer:
    """Cancel one line and free its place; without another line that stands, the booking is cancelled."""
    return await _cancel(session, caller, booking_id, position)


async def _cancel(session: AsyncSession, caller: Caller, booking_id: UUID, position: int | None) -> BookingAnswer:
    reason, now = "Annulée par la famille." if caller.role == "guardian" else "Annulée par le guichet.", clock.now()
    booking = await cancellations.cancel(session, _own(caller), booking_id, position, reason, now)
    return BookingAnswer.of(booking, now)
