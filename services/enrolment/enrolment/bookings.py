"""Bookings: holding places, confirming, and holds that run out."""

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


class SeveralRegies(LinesRefused):
    type = "urn:problem:enrolment:several-regies"
    title = "Réservation à faire en plusieurs fois"
    detail = (
        "Ces semaines ne se paient pas auprès de la même régie : faites une réservation pour chaque régie. "
        "Rien n'est réservé."
    )


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


async def hold(
    session: AsyncSession, dossier_id: UUID, wishes: Sequence[Wish], keep_available: bool, now: datetime
) -> tuple[Booking, list[Refused]]:
    """Hold a place for each wish, all or none; with `keep_available` those that are left, and which were refused.

    Raises NotFound (a child or week), NotEligible, SeveralRegies, OverlappingWeek, WeekFull.
    """
    family = await find_family(session, dossier_id, {wish.child_id for wish in wishes})
    # Where a part may be kept, what is left is read once and for all; else the conditional update has the last word.
    week_ids = {wish.holiday_week_id for wish in wishes}
    wanted = await places.wanted_weeks(session, week_ids, family.children.keys(), lock=keep_available)
    weeks = {week_id: one.week for week_id, one in wanted.items()}

    _refuse_impossible(wishes, wanted, family, now)
    kept, full = _share_out(wishes, weeks)
    if full and not (keep_available and kept):
        raise WeekFull(full)

    booking = _new_booking(dossier_id, kept, weeks, now)
    gone = await places.take(session, Counter(wish.holiday_week_id for wish in kept))
    if gone:
        raise WeekFull(_full(wish, weeks[wish.holiday_week_id]) for wish in kept if wish.holiday_week_id in gone)
    overlapping = await places.insert(session, booking)
    if overlapping:
        raise OverlappingWeek(
            _overlapping(wish, weeks[wish.holiday_week_id], family.children[wish.child_id])
            for wish in kept
            if wish.position in overlapping
        )
    return booking, full


def _refuse_impossible(
    wishes: Sequence[Wish], wanted: dict[UUID, places.Wanted], family: Family, now: datetime
) -> None:
    """Raises NotFound, NotEligible, SeveralRegies, OverlappingWeek for what no place could make possible."""
    if not wanted.keys() >= {wish.holiday_week_id for wish in wishes}:
        raise NotFound
    regie = wanted[wishes[0].holiday_week_id].regie
    refused, elsewhere, overlapping = [], [], []
    for wish in wishes:
        one, child = wanted[wish.holiday_week_id], family.children[wish.child_id]
        if why := refusal(one.week, child, family.dossier, now):
            refused.append(Refused(wish, why))
        elif one.regie != regie:
            elsewhere.append(_elsewhere(wish, one.week))
        elif wish.child_id in one.busy:
            overlapping.append(_overlapping(wish, one.week, child))
    if refused:
        raise NotEligible(refused)
    if elsewhere:
        raise SeveralRegies(elsewhere)
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


def _elsewhere(wish: Wish, week: HolidayWeek) -> Refused:
    return Refused(
        wish,
        f"{week.centre}, {week.name} : cette semaine ne se paie pas auprès de la même régie que la première ligne ; "
        "réservez-la à part.",
    )


def _overlapping(wish: Wish, week: HolidayWeek, child: Child) -> Refused:
    return Refused(wish, f"{child.first_name} a déjà une réservation aux dates de « {week.name} ».")


def _new_booking(dossier_id: UUID, wishes: Sequence[Wish], weeks: dict[UUID, HolidayWeek], now: datetime) -> Booking:
    return Booking(
        id=new_id(),
        dossier_id=dossier_id,
        status=BookingStatus.HELD,
        hold_expires_at=now + timedelta(minutes=min(weeks[wish.holiday_week_id].hold_minutes for wish in wishes)),
        version=1,
        created_at=now,
        lines=[
            BookingLine(
                position=wish.position,
                child_id=wish.child_id,
                holiday_week_id=wish.holiday_week_id,
                week=weeks[wish.holiday_week_id],
                active=True,
                cancelled=False,
                refundable=False,
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
