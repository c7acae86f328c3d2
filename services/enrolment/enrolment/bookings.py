"""Bookings: found, confirmed, and holds that run out."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from contracts import enrolment as events
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import raiseload

from enrolment import places
from enrolment.eligibility import BookingStatus
from enrolment.models import Booking

EXPIRY_BATCH = 500

BookingEvent = TypeVar("BookingEvent", bound=events.Booking)


class HoldExpired(Problem):
    type = "urn:problem:enrolment:hold-expired"
    title = "Délai dépassé"
    detail = "Vos places n'étaient gardées que pour un temps, qui est écoulé : refaites votre réservation."


class NotHeld(Problem):
    type = "urn:problem:enrolment:not-held"
    title = "Confirmation impossible"
    detail = "Cette réservation ne peut plus être confirmée ainsi : consultez son état, ou faites-en une nouvelle."


def event_of(kind: type[BookingEvent], booking: Booking, reason: str | None = None) -> BookingEvent:
    """A confirmed booking as it is now, with the reason of what happened to it, else of its state."""
    if booking.quote_id is None or booking.confirmed_at is None or booking.confirmed_version is None:
        raise ValueError(f"Booking {booking.id} was never confirmed: it is nobody else's affair.")
    return kind(
        booking_id=booking.id,
        version=booking.version,
        dossier_id=booking.dossier_id,
        status=booking.status.value,
        lines=tuple(
            events.BookingLine(
                position=line.position,
                child_id=line.child_id,
                holiday_week_id=line.holiday_week_id,
                activity_id=line.week.activity_id,
                site_id=line.week.site_id,
                dates=tuple(line.week.dates),
                status=line.status,
                refundable=line.refundable,
            )
            for line in booking.lines
        ),
        quote_id=booking.quote_id,
        confirmed_at=booking.confirmed_at,
        confirmed_version=booking.confirmed_version,
        reason=reason or booking.reason,
    )


async def confirm(
    session: AsyncSession, dossier_id: UUID | None, booking_id: UUID, quote_id: UUID, now: datetime
) -> Booking:
    """From here billing decides. Confirming again with the same quote changes nothing.

    Raises NotFound, HoldExpired (whether or not its places were already given back), NotHeld.
    """
    booking = await find(session, dossier_id, booking_id, lock=True)
    if booking.status in (BookingStatus.CONFIRMED, BookingStatus.PAID) and booking.quote_id == quote_id:
        return booking
    never_confirmed = booking.status is BookingStatus.EXPIRED and booking.confirmed_at is None
    if never_confirmed or (booking.status is BookingStatus.HELD and now >= booking.hold_expires_at):
        raise HoldExpired
    if booking.status is not BookingStatus.HELD:
        raise NotHeld
    booking.move(BookingStatus.CONFIRMED)
    booking.lines = booking.standing  # what was given up before is not part of what is confirmed and billed
    booking.quote_id, booking.confirmed_at, booking.confirmed_version = quote_id, now, booking.version
    await publish(session, event_of(events.BookingConfirmed, booking))
    return booking


async def expire_holds(session: AsyncSession, now: datetime) -> None:
    """Expire the holds that are over and give their places back."""
    over = (
        await session.scalars(
            select(Booking)
            .where(Booking.status == BookingStatus.HELD, Booking.hold_expires_at <= now)
            .limit(EXPIRY_BATCH)
            .with_for_update(skip_locked=True)
            .options(raiseload(Booking.lines))
        )
    ).all()
    for booking in over:
        booking.move(BookingStatus.EXPIRED)
    if over:
        await places.free_places(session, [booking.id for booking in over])


async def find(session: AsyncSession, dossier_id: UUID | None, booking_id: UUID, *, lock: bool = False) -> Booking:
    """One booking, of that dossier (none: of any). Raises NotFound."""
    booking = await session.get(Booking, booking_id, with_for_update=lock)
    if booking is None or dossier_id not in (None, booking.dossier_id):
        raise NotFound
    return booking


async def of_dossier(session: AsyncSession, dossier_id: UUID, cursor: UUID | None, limit: int) -> list[Booking]:
    """A dossier's bookings, the newest first, after the one named by `cursor`."""
    query = select(Booking).where(Booking.dossier_id == dossier_id).order_by(Booking.id.desc()).limit(limit)
    if cursor is not None:
        query = query.where(Booking.id < cursor)
    return list((await session.scalars(query)).all())
