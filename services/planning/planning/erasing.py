"""A family or a child that is erased: its reserved days are given up before, and their places free."""

from datetime import datetime
from itertools import groupby
from uuid import UUID

from chassis import clock
from chassis.database import fetch
from chassis.erasure import Erasure
from french.paris import day_in_paris
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from planning.models import Base
from planning.reservations import changing
from planning.reservations.models import Reservation, ReservationStatus
from planning.reservations.rules import Change, Itself

_WHY = Itself("Le dossier d'une famille a été effacé.")

# What is left of the history of a child of two families counts on from where it was: its versions are others' too.
_COUNT_ON = """
    INSERT INTO entries (child_id, activity_id, month, version, at, dossier_id, role, reason, reserved, cancelled)
    SELECT entry.child_id, entry.activity_id, entry.month, max(entry.version) + 1, $2, other.id, $3, $4, '{}', '{}'
    FROM entries entry
    JOIN children child ON child.id = entry.child_id
    CROSS JOIN LATERAL (SELECT id FROM unnest(child.dossier_ids) AS id WHERE id <> $1 ORDER BY id LIMIT 1) AS other
    WHERE EXISTS (
        SELECT FROM entries theirs
        WHERE theirs.dossier_id = $1 AND (theirs.child_id, theirs.activity_id, theirs.month)
                                       = (entry.child_id, entry.activity_id, entry.month)
    )
    GROUP BY entry.child_id, entry.activity_id, entry.month, other.id
"""


async def _leave_dossier(session: AsyncSession, dossier_id: UUID) -> None:
    now = clock.now()
    await _give_up(session, Reservation.dossier_id == dossier_id, now)
    await fetch(session, _COUNT_ON, dossier_id, now, _WHY.role, _WHY.reason)


async def _leave_child(session: AsyncSession, child_id: UUID) -> None:
    await _give_up(session, Reservation.child_id == child_id, clock.now())


async def _give_up(session: AsyncSession, whose: ColumnElement[bool], now: datetime) -> None:
    """Their days from today on, whatever the deadlines."""
    coming = (
        select(Reservation.dossier_id, Reservation.child_id, Reservation.activity_id, Reservation.day)
        .where(whose, Reservation.status == ReservationStatus.RESERVED, Reservation.day >= day_in_paris(now))
        .order_by(Reservation.dossier_id, Reservation.child_id, Reservation.activity_id, Reservation.day)
    )
    for dossier_id, days in groupby((await session.execute(coming)).all(), lambda row: row[0]):
        changes = [Change(child_id, activity_id, day, reserve=False) for _, child_id, activity_id, day in days]
        locked = await changing.lock(session, dossier_id, changes)
        known = [change for change in changes if locked.line(change)]
        outcome = await changing.judge(session, locked, known, now, late=True)
        if outcome.done:
            await changing.write(session, locked, outcome, _WHY, now)


ERASURE = Erasure(Base.metadata, dossier=_leave_dossier, child=_leave_child)
