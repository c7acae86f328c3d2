"""Holiday weeks and their bookings over HTTP."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Driver, Session
from chassis.editing import SeenVersion, etag, tagged
from chassis.fields import Day
from chassis.idempotency import OnceOnly
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Response
from french.paris import day_in_paris
from pydantic import BaseModel

from enrolment.bookings import bookings, cancellations, changes, holds, offers
from enrolment.bookings.models import Booking
from enrolment.bookings.places import Refused
from enrolment.bookings.schemas import BookingAnswer, BookingRequest, Confirmation, LinesChange, WeekAnswer

router = APIRouter(tags=["bookings"])

FamilyOrDesk = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


@router.get("/holiday-weeks")
@problems(NotFound)
async def list_holiday_weeks(
    reach: FamilyOrDesk,
    paging: Paged,
    child_id: UUID,
    connection: Driver,
    since: Annotated[Day | None, Query(alias="from")] = None,
    dossier_id: UUID | None = None,
) -> Page[WeekAnswer]:
    """The weeks of the child's age, from today on or from another day."""
    now = clock.now()
    acting, since = reach.acting(dossier_id), since or day_in_paris(now)
    found = await offers.weeks(connection, acting, child_id, since, paging.cursor, paging.limit + 1, now)
    return paging.page(found, WeekAnswer.model_validate, lambda offer: offer.week.id)


@router.post("/bookings", status_code=201, response_model=BookingAnswer)
@problems(NotFound, holds.NotEligible, holds.SeveralRegies, holds.OverlappingWeek, holds.WeekFull)
async def hold(body: BookingRequest, reach: FamilyOrDesk, once: OnceOnly, connection: Driver) -> Response:
    """Hold a place for each line, all or none; an agent for the family that they name."""
    acting, now = reach.acting(body.dossier_id, body.override_reason), clock.now()

    async def held() -> Response:
        hold = await holds.judge(connection, acting, body.wishes(), body.keep_available, now, body.pay_by)
        answer = once.response(201, BookingAnswer.model_validate(hold))
        await holds.take(connection, hold, once.row(answer))
        return answer

    return _tagged(await once.replay_or(connection, held))


@router.get("/bookings")
async def list_bookings(
    reach: FamilyOrDesk, session: Session, paging: Paged, dossier_id: UUID | None = None
) -> Page[BookingAnswer]:
    """A family's bookings, the newest first."""
    now = clock.now()
    found = await bookings.of_dossier(session, reach.acting(dossier_id), paging.cursor, paging.limit + 1)
    return paging.page(found, lambda booking: BookingAnswer.of(booking, now), lambda booking: booking.id)


@router.get("/bookings/{booking_id}")
async def read_booking(booking_id: UUID, reach: FamilyOrDesk, session: Session, response: Response) -> BookingAnswer:
    return _shown(response, await bookings.find(session, reach, booking_id), clock.now())


@router.put("/bookings/{booking_id}/lines")
@problems(
    bookings.HoldExpired,
    changes.LinesFixed,
    holds.NotEligible,
    holds.SeveralRegies,
    holds.OverlappingWeek,
    holds.WeekFull,
)
async def change_lines(
    booking_id: UUID,
    body: LinesChange,
    reach: FamilyOrDesk,
    session: Session,
    seen: SeenVersion,
    response: Response,
) -> BookingAnswer:
    """Change what is held, all or none; what is kept keeps its place. The hold ends when it would have."""
    now = clock.now()
    changed = await changes.change_lines(
        session, reach, booking_id, seen, body.wishes(), body.keep_available, now, body.override_reason
    )
    return _shown(response, changed.booking, now, changed.refused)


@router.post("/bookings/{booking_id}/confirm", status_code=202, response_model=BookingAnswer)
@problems(bookings.HoldExpired, bookings.NotHeld)
async def confirm(
    booking_id: UUID, body: Confirmation, reach: FamilyOrDesk, session: Session, once: OnceOnly
) -> Response:
    """« Payer »: billing opens the invoice."""

    async def confirmed() -> BaseModel:
        now = clock.now()
        return BookingAnswer.of(await bookings.confirm(session, reach, booking_id, body.quote_id, now), now)

    return _tagged(await once.answer(session, 202, confirmed))


@router.delete("/bookings/{booking_id}")
@problems(cancellations.AlreadyExpired, cancellations.WeekBegun)
async def cancel(booking_id: UUID, reach: FamilyOrDesk, session: Session, response: Response) -> BookingAnswer:
    """Cancel every line that may still be, each on its own terms, and free their places."""
    now = clock.now()
    return _shown(response, await cancellations.cancel(session, reach, booking_id, None, now), now)


@router.delete("/bookings/{booking_id}/lines/{position}")
@problems(cancellations.AlreadyExpired, cancellations.WeekBegun)
async def cancel_line(
    booking_id: UUID, position: int, reach: FamilyOrDesk, session: Session, response: Response
) -> BookingAnswer:
    """Cancel one line and free its place; without another line that stands, the booking is cancelled."""
    now = clock.now()
    return _shown(response, await cancellations.cancel(session, reach, booking_id, position, now), now)


def _shown(response: Response, booking: Booking, now: datetime, refused: Sequence[Refused] = ()) -> BookingAnswer:
    return tagged(response, BookingAnswer.of(booking, now, refused))


def _tagged(response: Response) -> Response:
    """The answer with the version of the booking that it shows, the first time as when it is replayed."""
    response.headers["ETag"] = etag(json.loads(bytes(response.body))["version"])
    return response
