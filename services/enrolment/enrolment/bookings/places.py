"""Places of holiday weeks: counted by the database, taken by a conditional update, given back in one way.

Locks are always taken in this order, so that nobody waits in a circle: booking, weeks by id, lines by child. Entries of
the waiting list change under their week's lock alone. What frees places does so within `offers.freeing`, which takes
the locks of the weeks and offers what is free to those who wait.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from asyncpg import Connection
from chassis.database import fetch
from chassis.idempotency import TwinRunning, keeping
from chassis.problems import NotFound
from chassis.reach import Acting
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings.models import Booking
from enrolment.bookings.rules import BookingStatus
from enrolment.waiting_list import offers


@dataclass(frozen=True)
class Wish:
    """A line asked for; `position` counts from 0 in the request."""

    position: int
    child_id: UUID
    holiday_week_id: UUID


@dataclass(frozen=True)
class Week:
    """A holiday week as a hot path reads it: the columns of `WEEK`."""

    id: UUID
    activity_id: UUID
    centre: str
    name: str
    group_name: str
    min_age: int
    max_age: int
    dates: Sequence[date]
    places: int
    taken: int
    booking_opens_at: datetime | None
    residents_open_at: datetime | None
    booking_closes_at: datetime
    cancellation_closes_at: datetime
    hold_minutes: int
    activity_status: str

    @property
    def places_left(self) -> int:
        return self.places - self.taken


@dataclass(frozen=True)
class Child:
    first_name: str
    birth_date: date
    resident: bool


@dataclass(frozen=True)
class Dossier:
    status: str
    missing: Sequence[str]


@dataclass(frozen=True)
class Wanted(Wish):
    """A wish with all that decides on it: `regie` collects for the week; `busy`: the child has an overlapping line.

    The dossier is none while its copy has not arrived.
    """

    week: Week
    child: Child
    dossier: Dossier | None
    regie: str
    busy: bool


@dataclass(frozen=True)
class Refused:
    """A line that cannot be had, and why in French."""

    wish: Wish
    detail: str


@dataclass(frozen=True)
class Hold:
    """A booking about to be, with a place for each line; `refused` is what was given up for it.

    `overrides` as in the model.
    """

    id: UUID
    dossier_id: UUID
    lines: Sequence[Wanted]
    refused: Sequence[Refused]
    hold_expires_at: datetime
    created_at: datetime
    pay_by: datetime | None
    overrides: Sequence[dict[str, Any]]

    @property
    def override_reason(self) -> str | None:
        return self.overrides[-1]["reason"] if self.overrides else None

    status: ClassVar = BookingStatus.HELD
    version: ClassVar = 1


_LOCK = "SELECT id FROM holiday_weeks WHERE id = ANY($1) ORDER BY id FOR UPDATE"

WEEK = """week.id, week.activity_id, week.centre, week.name, week.group_name, week.min_age, week.max_age, week.dates,
    week.places, week.taken, week.booking_opens_at, week.residents_open_at, week.booking_closes_at,
    week.cancellation_closes_at, week.hold_minutes, activity.status AS activity_status"""

_READ = f"""
    SELECT {WEEK},
           child.first_name, child.birth_date, child.resident, dossier.status, dossier.missing, activity.regie, EXISTS (
               SELECT FROM booking_lines line
               WHERE line.child_id = child.id AND line.active AND line.period && week.period
           ) AS busy
    FROM unnest($2::uuid[], $3::uuid[]) WITH ORDINALITY AS wish (child_id, week_id, place)
    JOIN children child ON child.id = wish.child_id AND child.dossier_ids @> ARRAY[$1::uuid]
    JOIN holiday_weeks week ON week.id = wish.week_id
    JOIN activities activity ON activity.id = week.activity_id
    LEFT JOIN dossiers dossier ON dossier.id = $1
    ORDER BY wish.place
"""  # noqa: S608 -- made of constants alone

#: The weeks first, then the lines, which are sorted once every week has answered; the answer where all are stored.
HOLD = f"""
    WITH booking AS (
        INSERT INTO bookings (id, dossier_id, status, hold_expires_at, version, created_at, pay_by, overrides)
        VALUES ($7, $8, $9, $10, $11, $12, $16, $17::jsonb)
    ), line AS (
        SELECT * FROM unnest($13::integer[], $14::uuid[], $15::uuid[]) AS line (position, child_id, week_id)
    ), locked AS (
        SELECT week.id, wanted.count FROM holiday_weeks week
        JOIN (SELECT week_id AS id, count(*) FROM line GROUP BY week_id) AS wanted USING (id)
        ORDER BY week.id FOR UPDATE OF week
    ), taken AS (
        UPDATE holiday_weeks week SET taken = taken + locked.count
        FROM locked WHERE week.id = locked.id AND taken + locked.count <= places
        RETURNING week.id, week.period
    ), stored AS (
        INSERT INTO booking_lines (booking_id, position, child_id, holiday_week_id, period, active)
        SELECT $7, line.position, line.child_id, taken.id, taken.period, true
        FROM line JOIN taken ON taken.id = line.week_id
        ORDER BY line.child_id, taken.id
        ON CONFLICT ON CONSTRAINT ex_booking_lines_overlapping_weeks DO NOTHING
        RETURNING position
    ), kept AS ({keeping("(SELECT count(*) FROM stored) = cardinality($13)")})
    SELECT ARRAY(SELECT id FROM taken), ARRAY(SELECT position FROM stored), EXISTS (SELECT FROM kept)
"""  # noqa: S608 -- made of constants alone

_TAKE = """
    WITH wanted AS (
        SELECT * FROM unnest($1::uuid[], $2::integer[]) AS wanted (id, count)
    ), locked AS (
        SELECT week.id, wanted.count FROM holiday_weeks week JOIN wanted USING (id) ORDER BY week.id FOR UPDATE OF week
    )
    UPDATE holiday_weeks week SET taken = taken + locked.count
    FROM locked WHERE week.id = locked.id AND taken + locked.count <= places
    RETURNING week.id
"""

_ADD = """
    INSERT INTO booking_lines (booking_id, position, child_id, holiday_week_id, period, active)
    SELECT $1, line.position, line.child_id, week.id, week.period, true
    FROM unnest($2::integer[], $3::uuid[], $4::uuid[]) AS line (position, child_id, week_id)
    JOIN holiday_weeks week ON week.id = line.week_id
    ORDER BY line.child_id, week.id
    ON CONFLICT ON CONSTRAINT ex_booking_lines_overlapping_weeks DO NOTHING
    RETURNING position
"""

_FREED = text("""
    SELECT DISTINCT holiday_week_id FROM booking_lines
    WHERE booking_id = ANY(:bookings) AND position = ANY(coalesce(:positions, ARRAY[position])) AND active
""")
_GIVE_BACK = text("""
    WITH line AS (
        UPDATE booking_lines SET active = false
        WHERE booking_id = ANY(:bookings) AND position = ANY(coalesce(:positions, ARRAY[position])) AND active
        RETURNING holiday_week_id AS id
    ), freed AS (
        SELECT id, count(*) AS count FROM line GROUP BY id
    )
    UPDATE holiday_weeks week SET taken = taken - freed.count FROM freed WHERE week.id = freed.id
""")
_REACTIVATE = text("UPDATE booking_lines SET active = true WHERE booking_id = :booking AND NOT cancelled")


async def lock(connection: Connection, week_ids: Iterable[UUID]) -> None:
    """Nobody else takes or frees places of the weeks until the transaction ends."""
    await fetch(connection, _LOCK, list(week_ids))


async def read(session: AsyncSession | Connection, acting: Acting, wishes: Sequence[Wish]) -> list[Wanted]:
    """Each wish with what decides on it; raises NotFound unless all are weeks, and children of that dossier."""
    week_ids = [wish.holiday_week_id for wish in wishes]
    rows = await fetch(session, _READ, acting.dossier_id, [wish.child_id for wish in wishes], week_ids)
    if len(rows) < len(wishes):
        raise NotFound
    return [_wanted(wish, *row) for wish, row in zip(wishes, rows, strict=True)]


def _wanted(wish: Wish, *row: Any) -> Wanted:
    *week, first_name, birth_date, resident, status, missing, regie, busy = row
    return Wanted(
        position=wish.position,
        child_id=wish.child_id,
        holiday_week_id=wish.holiday_week_id,
        week=Week(*week),
        child=Child(first_name, birth_date, resident),
        dossier=None if status is None else Dossier(status, missing),
        regie=regie,
        busy=busy,
    )


async def take_for(connection: Connection, hold: Hold, answer: Sequence[Any]) -> tuple[set[UUID], set[int]]:
    """Take the places, store the booking, and the answer to the request (`Once.row`).

    Answers the weeks without as many places left, else the positions that overlap with another line of that child:
    where there is one, the caller gives up. Raises TwinRunning.
    """
    ((taken, stored, kept),) = await fetch(
        connection,
        HOLD,
        *answer,
        *(hold.id, hold.dossier_id, hold.status.value, hold.hold_expires_at, hold.version, hold.created_at),
        [line.position for line in hold.lines],
        [line.child_id for line in hold.lines],
        [line.holiday_week_id for line in hold.lines],
        hold.pay_by,
        json.dumps(hold.overrides),
    )
    gone = {line.holiday_week_id for line in hold.lines}.difference(taken)
    overlapping = {line.position for line in hold.lines}.difference(stored)
    if not (gone or overlapping or kept):
        raise TwinRunning(retry_after_s=1)
    return gone, overlapping


async def take(session: AsyncSession, wanted: Mapping[UUID, int]) -> set[UUID]:
    """Take so many places of each week; the weeks that have not as many left (where there is one, give up)."""
    taken = await fetch(session, _TAKE, list(wanted), list(wanted.values()))
    return wanted.keys() - {week_id for (week_id,) in taken}


async def add_lines(session: AsyncSession, booking_id: UUID, lines: Mapping[int, Wish]) -> set[int]:
    """Add these lines, by position, whose places were taken; the positions stored: another one overlaps (give up)."""
    stored = await fetch(
        session,
        _ADD,
        booking_id,
        list(lines),
        [line.child_id for line in lines.values()],
        [line.holiday_week_id for line in lines.values()],
    )
    return {position for (position,) in stored}


async def free_places(
    session: AsyncSession, booking_ids: Sequence[UUID], now: datetime, positions: Sequence[int] | None = None
) -> None:
    """Give back the places of these bookings (with `positions`: of those lines), whose rows the caller has locked, and
    offer them to those who wait.

    What else changes in the lines is written afterwards: the weeks are locked first.
    """
    what = {"bookings": booking_ids, "positions": positions}
    week_ids = (await session.scalars(_FREED, what)).all()
    async with offers.freeing(session, week_ids, now):
        await session.execute(_GIVE_BACK, what)


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
