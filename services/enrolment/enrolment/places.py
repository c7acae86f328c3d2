"""Places of holiday weeks: counted by the database, taken by a conditional update, given back in one way.

Locks are always taken in this order, so that nobody waits in a circle: booking, weeks by id, lines by child.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database import fetch
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.models import Booking, HolidayWeek


@dataclass(frozen=True)
class Wanted:
    """A week with the régie that collects for it, and those of the children who are busy in it."""

    week: HolidayWeek
    regie: str
    busy: list[UUID]


_WANTED = """
    SELECT week.id, week.activity_id, week.site_id, week.centre, week.name, week.group_name, week.min_age, week.max_age,
           week.dates, week.places, week.taken, week.booking_closes_at, week.cancellation_closes_at, week.hold_minutes,
           activity.regie, ARRAY(
               SELECT line.child_id FROM booking_lines line
               WHERE line.child_id = ANY($2) AND line.active AND line.period && week.period
           ) AS busy
    FROM holiday_weeks week JOIN activities activity ON activity.id = week.activity_id WHERE week.id = ANY($1)
"""

TAKE = """
    WITH wanted AS (
        SELECT * FROM unnest($1::uuid[], $2::integer[]) AS wanted (id, count)
    ), locked AS (
        SELECT week.id, wanted.count FROM holiday_weeks week JOIN wanted USING (id) ORDER BY week.id FOR UPDATE OF week
    )
    UPDATE holiday_weeks week SET taken = taken + locked.count
    FROM locked WHERE week.id = locked.id AND taken + locked.count <= places
    RETURNING week.id
"""

_GIVE_BACK = text("""
    WITH freed AS (
        SELECT holiday_week_id AS id, count(*) AS count FROM booking_lines
        WHERE booking_id = ANY(:bookings) AND position = ANY(coalesce(:positions, ARRAY[position])) AND active
        GROUP BY holiday_week_id
    ), locked AS (
        SELECT week.id, freed.count FROM holiday_weeks week JOIN freed USING (id) ORDER BY week.id FOR UPDATE OF week
    )
    UPDATE holiday_weeks week SET taken = taken - locked.count FROM locked WHERE week.id = locked.id
""")

_INSERT = """
    WITH booking AS (
        INSERT INTO bookings (id, dossier_id, status, hold_expires_at, version, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
    )
    INSERT INTO booking_lines (booking_id, position, child_id, holiday_week_id, period, active)
    SELECT $1, line.position, line.child_id, week.id, week.period, true
    FROM unnest($7::integer[], $8::uuid[], $9::uuid[]) AS line (position, child_id, week_id)
    JOIN holiday_weeks week ON week.id = line.week_id
    ORDER BY line.child_id, week.id
    ON CONFLICT ON CONSTRAINT ex_booking_lines_overlapping_weeks DO NOTHING
    RETURNING position
"""

_DEACTIVATE = text("""
    UPDATE booking_lines SET active = false
    WHERE booking_id = ANY(:bookings) AND position = ANY(coalesce(:positions, ARRAY[position])) AND active
""")
_REACTIVATE = text("UPDATE booking_lines SET active = true WHERE booking_id = :booking AND NOT cancelled")


async def wanted_weeks(
    session: AsyncSession, week_ids: Collection[UUID], child_ids: Collection[UUID], *, lock: bool
) -> dict[UUID, Wanted]:
    """Those of the weeks that exist; a child is busy who already has a line in an overlapping week."""
    statement = _WANTED + "ORDER BY week.id FOR UPDATE OF week" if lock else _WANTED
    rows = await fetch(session, statement, list(week_ids), list(child_ids))
    return {row["id"]: Wanted(HolidayWeek(**dict(list(row.items())[:-2])), row["regie"], row["busy"]) for row in rows}


async def take(session: AsyncSession, wanted: Mapping[UUID, int]) -> set[UUID]:
    """Take so many places of each week; answers the weeks without as many left (then the caller must give up)."""
    taken = await fetch(session, TAKE, list(wanted), list(wanted.values()))
    return set(wanted) - {week_id for (week_id,) in taken}


async def insert(session: AsyncSession, booking: Booking) -> set[int]:
    """Store a new booking; answers the positions that overlap with another line of that child (then give up)."""
    columns = ("id", "dossier_id", "status", "hold_expires_at", "version", "created_at")
    stored = await fetch(
        session,
        _INSERT,
        *(getattr(booking, name) for name in columns),
        [line.position for line in booking.lines],
        [line.child_id for line in booking.lines],
        [line.holiday_week_id for line in booking.lines],
    )
    return {line.position for line in booking.lines} - {position for (position,) in stored}


async def free_places(
    session: AsyncSession, booking_ids: Sequence[UUID], positions: Sequence[int] | None = None
) -> None:
    """Give back the places of these bookings (with `positions`: of those lines), whose rows the caller has locked.

    What else changes in the lines is written afterwards: the weeks are locked first.
    """
    await session.execute(_GIVE_BACK, {"bookings": booking_ids, "positions": positions})
    await session.execute(_DEACTIVATE, {"bookings": booking_ids, "positions": positions})


async def retake(session: AsyncSession, booking: Booking) -> bool:
    """Take the places of an expired booking's standing lines again; False, and nothing taken, where one is gone or a
    child is busy.
    """
    wanted = Counter(line.holiday_week_id for line in booking.standing)
    try:
        async with session.begin_nested() as attempt:
            if await take(session, wanted):
                await attempt.rollback()
                return False
            await session.execute(_REACTIVATE, {"booking": booking.id})
    except IntegrityError:  # the child has meanwhile been booked into an overlapping week
        return False
    return True
