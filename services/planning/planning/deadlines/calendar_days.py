"""The town's calendar: reading it, and replacing the days on which the town is closed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from chassis.editing import Seen
from chassis.problems import NotFound
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from planning.deadlines import activity_rules
from planning.deadlines.activity_rules import Change
from planning.deadlines.locking import alone
from planning.deadlines.models import Calendar, ClosedDay
from planning.deadlines.rules import TownCalendar


@dataclass(frozen=True)
class Edition:
    """The calendar at one version."""

    calendar: TownCalendar
    version: int


async def read(session: AsyncSession) -> Edition:
    """Raises NotFound where no town is loaded."""
    row = (await session.execute(select(Calendar.school_zone, Calendar.version))).one_or_none()
    if row is None:
        raise NotFound
    return Edition(TownCalendar(row.school_zone, await _closed(session)), row.version)


async def close(
    session: AsyncSession, seen: Seen, closed: Mapping[date, str], today: date, *, preview: bool
) -> tuple[Edition, list[Change]]:
    """The calendar with these closed days and no others, and which coming days' deadlines change by it.

    Raises NotFound, Stale; a preview stores nothing.
    """
    if not preview:
        await alone(session)
    row = await session.scalar(select(Calendar).with_for_update())
    if row is None:
        raise NotFound
    seen.refuse_if_older(row.version)
    before = TownCalendar(row.school_zone, await _closed(session))
    after = TownCalendar(row.school_zone, closed)
    changes = [
        change
        for activity in await activity_rules.of_every_activity(session)
        for change in activity_rules.changes(activity, (activity.rules, before), (activity.rules, after), today)
    ]
    if not preview and before != after:
        row.version += 1
        await session.execute(delete(ClosedDay))
        if closed:
            await session.execute(insert(ClosedDay), [{"day": day, "name": name} for day, name in closed.items()])
    return Edition(after, row.version), changes


async def _closed(session: AsyncSession) -> dict[date, str]:
    rows = await session.execute(select(ClosedDay.day, ClosedDay.name).order_by(ClosedDay.day))
    return {row.day: row.name for row in rows}
