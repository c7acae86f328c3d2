"""Changing the lines of a hold: those kept keep their places, the others free and take theirs, all or none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from uuid import UUID

from chassis.editing import Seen
from chassis.problems import Problem
from chassis.reach import Reach
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings import holds, places
from enrolment.bookings.bookings import find, refuse_if_over
from enrolment.bookings.models import Booking, BookingLine
from enrolment.bookings.places import Refused, Wanted, Wish
from enrolment.bookings.rules import GIVEN_UP, BookingStatus
from enrolment.waiting_list import offers


class LinesFixed(Problem):
    type = "urn:problem:enrolment:lines-fixed"
    title = "Semaines à ne plus changer"
    detail = (
        "Les semaines d'une réservation ne se changent qu'avant sa confirmation : annulez celles dont vous ne voulez "
        "plus, et faites une autre réservation pour les nouvelles."
    )


@dataclass(frozen=True)
class Changed:
    """The booking as it is now, and what was given up for it (`keep_available`)."""

    booking: Booking
    refused: Sequence[Refused] = ()


async def change_lines(
    session: AsyncSession,
    reach: Reach,
    booking_id: UUID,
    seen: Seen,
    wishes: Sequence[Wish],
    keep_available: bool,
    now: datetime,
    override_reason: str | None = None,
) -> Changed:
    """Make these wishes the lines that stand, all or none; with `keep_available` what is left of them.

    A line that is wished again keeps its place and position, whatever is full or closed by now; the hold's end stays.
    An agent may pass over a rule with a reason, as when holding. Raises NotFound (a booking, child or week), Malformed
    (a guardian's reason), HoldExpired, LinesFixed, Stale, NotEligible, SeveralRegies,
    OverlappingWeek, WeekFull.
    """
    booking = await find(session, reach, booking_id, lock=True)
    acting = reach.acting(booking.dossier_id if reach.at_desk else None, override_reason)
    refuse_if_over(booking, now)
    if booking.status is not BookingStatus.HELD:
        raise LinesFixed
    seen.refuse_if_older(booking.version)
    wished, standing = {_what(wish) for wish in wishes}, {_what(line) for line in booking.standing}
    dropped = [line for line in booking.standing if _what(line) not in wished]
    if standing == wished:
        return Changed(booking)
    await offers.lock(session, {week_id for _, week_id in wished | standing})
    await _drop(session, booking, dropped, now)
    wanted = await places.read(session, acting, wishes)
    new = [line for line in wanted if _what(line) not in standing]
    regie = next((line.regie for line in wanted if _what(line) in standing), wanted[0].regie)
    passed_over = holds.refuse_impossible(acting, new, regie, booking.pay_by, now)
    granted, full = holds.share_out(new)
    if full and not (keep_available and (granted or booking.standing)):
        raise holds.WeekFull(full)
    await _add(session, booking, granted)
    booking.overrides = [*booking.overrides, *holds.overrides(acting, passed_over, granted, now)]
    booking.change()
    return Changed(booking, full)


def _what(line: Wish | BookingLine) -> tuple[UUID, UUID]:
    """Which child, in which week: that names a line of a booking whatever its position."""
    return line.child_id, line.holiday_week_id


async def _drop(session: AsyncSession, booking: Booking, dropped: Sequence[BookingLine], now: datetime) -> None:
    """Free their places; the lines stay until the booking is confirmed, so that no other one gets their position.

    Whoever waits for such a place comes before a line that is new, the family's own too.
    """
    await places.free_places(session, [booking.id], now, [line.position for line in dropped])
    for line in dropped:
        line.leave(GIVEN_UP)
    await session.flush()


async def _add(session: AsyncSession, booking: Booking, granted: Sequence[Wanted]) -> None:
    """Take a place for each; one that was given up before comes back at its position. Raises WeekFull, OverlappingWeek.

    What was read decides, under the lock of the weeks; the conditional update and the constraint have the last word.
    """
    given_up = {_what(line): line for line in booking.lines if line.cancelled}
    free = count(max(line.position for line in booking.lines) + 1)
    at: dict[int, Wanted] = {}
    for line in granted:
        if again := given_up.get(_what(line)):
            booking.lines.remove(again)
        at[again.position if again else next(free)] = line
    await session.flush()
    if gone := await places.take(session, Counter(line.week.id for line in granted)):
        raise holds.WeekFull(holds.no_place(line) for line in granted if line.week.id in gone)
    stored = await places.add_lines(session, booking.id, at)
    if overlapping := [line for position, line in at.items() if position not in stored]:
        raise holds.OverlappingWeek(holds.overlaps(line) for line in overlapping)
    await session.refresh(booking, ["lines"])
