"""Bookings: found, confirmed, and holds that run out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from chassis import desk
from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from chassis.reach import Acting, Reach
from contracts import enrolment as events
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import raiseload

from enrolment.bookings import notices, places
from enrolment.bookings.models import Booking
from enrolment.bookings.rules import BookingStatus
from enrolment.copies import Child

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
    lines = tuple(events.BookingLine(**_facts(events.BookingLine, line.week, line)) for line in booking.lines)
    mine = {"booking_id": booking.id, "lines": lines, "reason": reason or booking.reason}
    return kind(**_facts(kind, booking) | mine)


def _facts(kind: type[BaseModel], *sources: object) -> dict[str, Any]:
    """What the sources have under the names of its fields; the last has the last word."""
    return {name: getattr(source, name) for source in sources for name in kind.model_fields if hasattr(source, name)}


async def confirm(session: AsyncSession, reach: Reach, booking_id: UUID, quote_id: UUID, now: datetime) -> Booking:
    """From here billing decides. Confirming again with the same quote changes nothing.

    Raises NotFound, HoldExpired, NotHeld.
    """
    booking = await find(session, reach, booking_id, lock=True)
    if booking.status in (BookingStatus.CONFIRMED, BookingStatus.PAID) and booking.quote_id == quote_id:
        return booking
    refuse_if_over(booking, now)
    if booking.status is not BookingStatus.HELD:
        raise NotHeld
    booking.move(BookingStatus.CONFIRMED)
    booking.lines = booking.standing  # what was given up before is not part of what is confirmed and billed
    booking.quote_id, booking.confirmed_at, booking.confirmed_version = quote_id, now, booking.version
    await publish(session, event_of(events.BookingConfirmed, booking))
    if reach.at_desk:
        await publish(session, notices.booked_at_desk(booking, await children_of(session, booking)))
    return booking


def refuse_if_over(booking: Booking, now: datetime) -> None:
    """Raises HoldExpired, whether or not its places were already given back."""
    never_confirmed = booking.status is BookingStatus.EXPIRED and booking.confirmed_at is None
    if never_confirmed or (booking.status is BookingStatus.HELD and now >= booking.hold_expires_at):
        raise HoldExpired


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
        await places.free_places(session, [booking.id for booking in over], now)


async def find(session: AsyncSession, reach: Reach, booking_id: UUID, *, lock: bool = False) -> Booking:
    """Raises NotFound."""
    booking = await session.get(Booking, booking_id, with_for_update=lock)
    if booking is None or not reach.covers(booking.dossier_id):
        raise NotFound
    desk.note(session, dossier_id=booking.dossier_id)
    return booking


async def children_of(session: AsyncSession, booking: Booking) -> Mapping[UUID, Child]:
    """Those of the booking's lines, by id."""
    query = select(Child).where(Child.id.in_({line.child_id for line in booking.lines}))
    return {child.id: child for child in await session.scalars(query)}


async def of_dossier(session: AsyncSession, acting: Acting, cursor: UUID | None, limit: int) -> list[Booking]:
    """The dossier's bookings, the newest first, after the one named by `cursor`."""
    query = select(Booking).where(Booking.dossier_id == acting.dossier_id).order_by(Booking.id.desc()).limit(limit)
    if cursor is not None:
        query = query.where(Booking.id < cursor)
    return list((await session.scalars(query)).all())
