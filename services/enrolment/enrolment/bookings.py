"""Bookings: holding places, confirming, cancelling, and holds that run out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from contracts import enrolment as events
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import raiseload

from enrolment import places
from enrolment.eligibility import refusal
from enrolment.families import Family, find_family
from enrolment.models import Booking, BookingLine, BookingStatus, Child, HolidayWeek

EXPIRY_BATCH = 500

BookingEvent = TypeVar("BookingEvent", bound=events.Booking)


@dataclass(frozen=True)
class Wish:
    """A line asked for; `position` counts from 0 in the request."""

    position: int
    child_id: UUID
    holiday_week_id: UUID


@dataclass(frozen=True)
class Refused:
    """A line that cannot be had, and why in French."""

    wish: Wish
    detail: str


class LinesRefused(Problem):
    """Some lines cannot be had: `errors` names each one."""

    def __init__(self, refused: Iterable[Refused]) -> None:
        super().__init__(
            errors=[
                {
                    "pointer": f"/lines/{one.wish.position}",
                    "detail": one.detail,
                    "child_id": str(one.wish.child_id),
                    "holiday_week_id": str(one.wish.holiday_week_id),
                }
                for one in refused
            ]
        )


class NotEligible(LinesRefused):
    type = "urn:problem:enrolment:not-eligible"
    title = "Réservation impossible"
    detail = "Au moins une ligne ne peut pas être réservée : voyez pourquoi au détail de chacune. Rien n'est réservé."


class OverlappingWeek(LinesRefused):
    type = "urn:problem:enrolment:overlapping-week"
    title = "Semaines qui se chevauchent"
    detail = "Un enfant ne peut pas avoir deux réservations sur les mêmes jours : retirez la ligne. Rien n'est réservé."


class WeekFull(LinesRefused):
    type = "urn:problem:enrolment:week-full"
    title = "Semaine complète"
    detail = (
        "Il n'y a plus assez de places pour toutes les lignes ; rien n'est réservé. Choisissez une autre semaine, "
        "ou demandez à garder ce qui est disponible."
    )


class HoldExpired(Problem):
    type = "urn:problem:enrolment:hold-expired"
    title = "Délai dépassé"
    detail = "Vos places n'étaient gardées que pour un temps, qui est écoulé : refaites votre réservation."


class NotHeld(Problem):
    type = "urn:problem:enrolment:not-held"
    title = "Confirmation impossible"
    detail = "Cette réservation ne peut plus être confirmée ainsi : consultez son état, ou faites-en une nouvelle."


class AlreadyExpired(Problem):
    type = "urn:problem:enrolment:already-expired"
    title = "Annulation inutile"
    detail = "Cette réservation a expiré et ses places sont libres : il n'y a rien à annuler."


def event_of(kind: type[BookingEvent], booking: Booking) -> BookingEvent:
    """The booking as it is now."""
    return kind(
        booking_id=booking.id,
        version=booking.version,
        dossier_id=booking.dossier_id,
        status=booking.status.value,
        lines=tuple(
            events.BookingLine(
                child_id=line.child_id,
                holiday_week_id=line.holiday_week_id,
                activity_id=line.week.activity_id,
                dates=tuple(line.week.dates),
            )
            for line in booking.lines
        ),
        quote_id=booking.quote_id,
        confirmed_at=booking.confirmed_at,
        refundable=booking.refundable,
        reason=booking.reason,
    )


async def hold(
    session: AsyncSession, dossier_id: UUID, wishes: Sequence[Wish], keep_available: bool, now: datetime
) -> tuple[Booking, list[Refused]]:
    """Hold a place for each wish, all or none; with `keep_available` those that are left, and which were refused.

    Raises NotFound (a child or week), NotEligible, OverlappingWeek, WeekFull.
    """
    family = await find_family(session, dossier_id, {wish.child_id for wish in wishes})
    # Where a part may be kept, what is left is read once and for all; else the conditional update has the last word.
    week_ids = {wish.holiday_week_id for wish in wishes}
    weeks = await places.wanted_weeks(session, week_ids, family.children.keys(), lock=keep_available)

    _refuse_impossible(wishes, weeks, family, now)
    kept, full = _share_out(wishes, {week.id: week for week, _ in weeks.values()})
    if full and not (keep_available and kept):
        raise WeekFull(full)

    booking = _new_booking(dossier_id, kept, {week.id: week for week, _ in weeks.values()}, now)
    gone = await places.take(session, Counter(wish.holiday_week_id for wish in kept))
    if gone:
        raise WeekFull(_full(wish, weeks[wish.holiday_week_id][0]) for wish in kept if wish.holiday_week_id in gone)
    overlapping = await places.insert(session, booking)
    if overlapping:
        raise OverlappingWeek(
            _overlapping(wish, weeks[wish.holiday_week_id][0], family.children[wish.child_id])
            for wish in kept
            if wish.position in overlapping
        )
    return booking, full


def _refuse_impossible(
    wishes: Sequence[Wish], weeks: dict[UUID, tuple[HolidayWeek, list[UUID]]], family: Family, now: datetime
) -> None:
    """Raises NotFound, NotEligible, OverlappingWeek for what no place could make possible."""
    if not weeks.keys() >= {wish.holiday_week_id for wish in wishes}:
        raise NotFound
    refused, overlapping = [], []
    for wish in wishes:
        (week, busy), child = weeks[wish.holiday_week_id], family.children[wish.child_id]
        if why := refusal(week, child, family.dossier, now):
            refused.append(Refused(wish, why))
        elif wish.child_id in busy:
            overlapping.append(_overlapping(wish, week, child))
    if refused:
        raise NotEligible(refused)
    if overlapping:
        raise OverlappingWeek(overlapping)


def _share_out(wishes: Sequence[Wish], weeks: dict[UUID, HolidayWeek]) -> tuple[list[Wish], list[Refused]]:
    """Places as they were read, given out in the order asked: who gets one, who does not."""
    left = {week.id: week.places - week.taken for week in weeks.values()}
    kept, full = [], []
    for wish in wishes:
        if left[wish.holiday_week_id] > 0:
            left[wish.holiday_week_id] -= 1
            kept.append(wish)
        else:
            full.append(_full(wish, weeks[wish.holiday_week_id]))
    return kept, full


def _full(wish: Wish, week: HolidayWeek) -> Refused:
    return Refused(wish, f"{week.centre}, {week.name}, {week.group_name} : il ne reste pas assez de places.")


def _overlapping(wish: Wish, week: HolidayWeek, child: Child) -> Refused:
    return Refused(wish, f"{child.first_name} a déjà une réservation aux dates de « {week.name} ».")


def _new_booking(dossier_id: UUID, wishes: Sequence[Wish], weeks: dict[UUID, HolidayWeek], now: datetime) -> Booking:
    return Booking(
        id=new_id(),
        dossier_id=dossier_id,
        status=BookingStatus.HELD,
        hold_expires_at=now + timedelta(minutes=min(weeks[wish.holiday_week_id].hold_minutes for wish in wishes)),
        refundable=False,
        version=1,
        created_at=now,
        lines=[
            BookingLine(
                position=wish.position,
                child_id=wish.child_id,
                holiday_week_id=wish.holiday_week_id,
                week=weeks[wish.holiday_week_id],
                active=True,
            )
            for wish in wishes
        ],
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
    booking.quote_id, booking.confirmed_at, booking.confirmed_version = quote_id, now, booking.version
    await publish(session, event_of(events.BookingConfirmed, booking))
    return booking


async def cancel(session: AsyncSession, dossier_id: UUID | None, booking_id: UUID, reason: str, now: datetime) -> None:
    """Cancel it and free its places; a booking already cancelled stays as it is. Raises NotFound, AlreadyExpired."""
    booking = await find(session, dossier_id, booking_id, lock=True)
    if booking.status is BookingStatus.CANCELLED:
        return
    if booking.status is BookingStatus.EXPIRED:
        raise AlreadyExpired
    in_time = all(now <= line.week.cancellation_closes_at for line in booking.lines)
    booking.refundable = booking.status is BookingStatus.CONFIRMED or (booking.status is BookingStatus.PAID and in_time)
    booking.reason = reason
    booking.move(BookingStatus.CANCELLED)
    await places.free_places(session, [booking.id])
    if booking.confirmed_at is not None:  # nobody else knows of one that was only held
        await publish(session, event_of(events.BookingCancelled, booking))


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
