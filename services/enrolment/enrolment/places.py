"""Places of holiday weeks: counted by the database, taken by a conditional update, given back in one way.

Locks are always taken in this order, so that nobody waits in a circle: booking, weeks by id, lines by child.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.models import Booking, BookingLine, HolidayWeek

_BUSY = select(BookingLine.child_id).where(
    BookingLine.child_id.in_(bindparam("children", expanding=True)),
    BookingLine.active,
    BookingLine.period.overlaps(HolidayWeek.period),
)
#: Holiday weeks, each with those of the `children` who already have a line in an overlapping week.
WEEKS_WITH_BUSY_CHILDREN: Select[HolidayWeek, list[UUID]] = select(HolidayWeek, func.array(_BUSY.scalar_subquery()))

TAKE = text("""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS integer[])) AS wanted (id, count)
    ), locked AS (
        SELECT week.id, wanted.count FROM holiday_weeks week JOIN wanted USING (id) ORDER BY week.id FOR UPDATE OF week
    )
    UPDATE holiday_weeks week SET taken = taken + locked.count
    FROM locked WHERE week.id = locked.id AND taken + locked.count <= places
    RETURNING week.id
""")

_GIVE_BACK = text("""
    WITH freed AS (
        SELECT holiday_week_id AS id, count(*) AS count FROM booking_lines
        WHERE booking_id = ANY(:bookings) AND active GROUP BY holiday_week_id
    ), locked AS (
        SELECT week.id, freed.count FROM holiday_weeks week JOIN freed USING (id) ORDER BY week.id FOR UPDATE OF week
    )
    UPDATE holiday_weeks week SET taken = taken - locked.count FROM locked WHERE week.id = locked.id
""")

_INSERT = text("""
    WITH booking AS (
        INSERT INTO bookings (id, dossier_id, status, hold_expires_at, refundable, version, created_at)
        VALUES (:id, :dossier_id, :status, :hold_expires_at, :refundable, :version, :created_at)
    )
    INSERT INTO booking_lines (booking_id, position, child_id, holiday_week_id, period, active)
    SELECT :id, line.position, line.child_id, week.id, week.period, true
    FROM unnest(CAST(:positions AS integer[]), CAST(:children AS uuid[]), CAST(:weeks AS uuid[]))
        AS line (position, child_id, week_id)
    JOIN holiday_weeks week ON week.id = line.week_id
    ORDER BY line.child_id, week.id
    ON CONFLICT ON CONSTRAINT ex_booking_lines_overlapping_weeks DO NOTHING
    RETURNING position
""")

_DEACTIVATE = text("UPDATE booking_lines SET active = false WHERE booking_id = ANY(:bookings) AND active")
_REACTIVATE = text("UPDATE booking_lines SET active = true WHERE booking_id = :booking")


async def take(session: AsyncSession, wanted: Mapping[UUID, int]) -> set[UUID]:
    """Take so many places of each week; answers the weeks without as many left (then the caller must give up)."""
    taken = await session.scalars(TAKE, {"ids": list(wanted), "counts": list(wanted.values())})
    return set(wanted) - set(taken)


async def insert(session: AsyncSession, booking: Booking) -> set[int]:
    """Store a new booking; answers the positions that overlap with another line of that child (then give up)."""
    columns = ("id", "dossier_id", "status", "hold_expires_at", "refundable", "version", "created_at")
    stored = await session.scalars(
        _INSERT,
        {name: getattr(booking, name) for name in columns}
        | {
            "positions": [line.position for line in booking.lines],
            "children": [line.child_id for line in booking.lines],
            "weeks": [line.holiday_week_id for line in booking.lines],
        },
    )
    return {line.position for line in booking.lines} - set(stored)


async def free_places(session: AsyncSession, booking_ids: Sequence[UUID]) -> None:
    """Give back every place of these bookings, whose rows the caller has locked and moved."""
    await session.execute(_GIVE_BACK, {"bookings": booking_ids})
    await session.execute(_DEACTIVATE, {"bookings": booking_ids})


async def retake(session: AsyncSession, booking: Booking) -> bool:
    """Take every place of an expired booking again; False, and nothing taken, where one is gone or a child is busy."""
    wanted = Counter(line.holiday_week_id for line in booking.lines)
    try:
        async with session.begin_nested() as attempt:
            if await take(session, wanted):
                await attempt.rollback()
                return False
            await session.execute(_REACTIVATE, {"booking": booking.id})
    except IntegrityError:  # the child has meanwhile been booked into an overlapping week
        return False
    return True
