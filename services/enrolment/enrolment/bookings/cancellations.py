"""Cancelling bookings, whole or line by line: each line on its own terms, a week that has begun never."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from chassis import clock
from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from chassis.reach import Reach
from contracts import enrolment as events
from contracts.billing import InvoiceRefused
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings import notices, places
from enrolment.bookings.bookings import children_of, event_of, find
from enrolment.bookings.models import Booking, BookingLine
from enrolment.bookings.rules import BEGUN, BookingStatus, Terms, terms
from enrolment.copies import Dossier


class AlreadyExpired(Problem):
    type = "urn:problem:enrolment:already-expired"
    title = "Annulation inutile"
    detail = "Cette réservation a expiré et ses places sont libres : il n'y a rien à annuler."


class WeekBegun(Problem):
    type = "urn:problem:enrolment:week-begun"
    title = "Semaine commencée"
    detail = "Une semaine qui a commencé ne peut plus être annulée : rien n'est changé. Adressez-vous au guichet."


async def cancel(session: AsyncSession, reach: Reach, booking_id: UUID, position: int | None, now: datetime) -> Booking:
    """Cancel the line at that position; with none, every line that may still be. What is cancelled stays as it is.

    Raises NotFound (a booking or line), AlreadyExpired, WeekBegun (of all that is asked for).
    """
    booking = await find(session, reach, booking_id, lock=True)
    asked = [line for line in booking.lines if position in (None, line.position)]
    if not asked:
        raise NotFound
    if booking.status is BookingStatus.EXPIRED:
        raise AlreadyExpired
    standing = [line for line in asked if not line.cancelled]
    leaving = {line: granted for line in standing if (granted := terms(line.week, booking.status, now))}
    if leaving:
        who = "le guichet" if reach.at_desk else "la famille"
        await _leave(session, booking, leaving, f"Annulée par {who}.", now)
        if reach.at_desk and booking.confirmed_at is not None:
            await publish(session, notices.cancelled_at_desk(booking, await children_of(session, booking), leaving))
    elif standing == asked:
        raise WeekBegun(errors=[{"pointer": f"/lines/{line.position}", "detail": BEGUN} for line in asked])
    return booking


async def cancel_refused(session: AsyncSession, event: InvoiceRefused) -> None:
    """Billing cannot bill it: cancel it, unless it is another one by now, and tell the family and the desk."""
    booking = await session.get(Booking, event.booking_id, with_for_update=True)
    if booking is None or booking.status is not BookingStatus.CONFIRMED or booking.version != event.version:
        return
    leaving = dict.fromkeys(booking.standing, Terms(True, event.reason))
    await _leave(session, booking, leaving, event.reason, clock.now())
    children, dossier = await children_of(session, booking), await session.get(Dossier, booking.dossier_id)
    await publish(
        session,
        notices.not_billable(booking, children, event.reason),
        notices.not_billable_for_desk(booking, children, event.reason, dossier.number if dossier else "inconnu"),
    )


async def cancel_erased(
    session: AsyncSession, now: datetime, *, dossier_id: UUID | None = None, child_id: UUID | None = None
) -> None:
    """All that still may be, on its terms: billing hears of it, the family of nothing any more."""
    of_child = select(BookingLine.booking_id).where(BookingLine.child_id == child_id)
    theirs = Booking.dossier_id == dossier_id if dossier_id else Booking.id.in_(of_child)
    live = Booking.status.in_((BookingStatus.HELD, BookingStatus.CONFIRMED, BookingStatus.PAID))
    found = await session.scalars(select(Booking).where(live, theirs).order_by(Booking.id).with_for_update())
    for booking in found.all():
        standing = [line for line in booking.standing if child_id in (None, line.child_id)]
        leaving = {line: granted for line in standing if (granted := terms(line.week, booking.status, now))}
        if leaving:
            await _leave(session, booking, leaving, "Annulée : le dossier de la famille est effacé.", now)
    await session.flush()


async def _leave(
    session: AsyncSession, booking: Booking, leaving: Mapping[BookingLine, Terms], reason: str, now: datetime
) -> None:
    """Free these lines' places; without a line that stands the booking is cancelled. Tell those who know of it."""
    await places.free_places(session, [booking.id], now, [line.position for line in leaving])
    for line, granted in leaving.items():
        line.leave(granted)
    if booking.standing:
        booking.change()
        if booking.confirmed_at is not None:
            await publish(session, event_of(events.BookingChanged, booking, reason))
        return
    booking.move(BookingStatus.CANCELLED)
    booking.reason = reason
    waiting, booking.waiting_credits = booking.waiting_credits, []
    if booking.confirmed_at is not None:
        await publish(session, event_of(events.BookingCancelled, booking))
    if waiting:  # the lapse that this money came too late for finds nothing to revive any more
        children = await children_of(session, booking)
        await publish(session, *(notices.cancelled_before_payment(booking, children, cents) for cents in waiting))
