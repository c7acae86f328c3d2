"""Who waits for a week, with all that decides on their turn, and what the town says of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg
from chassis.database import fetch
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue.models import HolidayWeek
from enrolment.waiting_list.models import WaitingRules
from enrolment.waiting_list.rules import Criterion, TownRules, Waiting


@dataclass(frozen=True)
class _Child:
    first_name: str
    birth_date: date
    resident: bool


@dataclass(frozen=True)
class _Dossier:
    status: str
    missing: Sequence[str]


#: Those that wait for these weeks, with the whole of their groups.
_WAITING = """
    SELECT entry.id, entry.group_id, entry.holiday_week_id, entry.joined_at, child.first_name, child.birth_date,
           child.resident, child.dossier_ids @> ARRAY[entry.dossier_id] AS of_dossier,
           dossier.status, dossier.missing, coalesce(dossier.priorities, '{}') AS priorities, EXISTS (
               SELECT FROM booking_lines line
               WHERE line.child_id = entry.child_id AND line.active AND line.period && week.period
           ) AS busy, EXISTS (
               SELECT FROM bookings booking JOIN booking_lines line ON line.booking_id = booking.id
               JOIN holiday_weeks beside ON beside.id = line.holiday_week_id
               WHERE booking.dossier_id = entry.dossier_id AND line.active AND line.child_id <> entry.child_id
                 AND beside.site_id = week.site_id AND beside.period && week.period
           ) OR EXISTS (
               SELECT FROM waiting_entries other JOIN holiday_weeks beside ON beside.id = other.holiday_week_id
               WHERE other.dossier_id = entry.dossier_id AND other.child_id <> entry.child_id
                 AND other.status IN ('waiting', 'offered')
                 AND beside.site_id = week.site_id AND beside.period && week.period
           ) AS sibling
    FROM waiting_entries entry
    JOIN holiday_weeks week ON week.id = entry.holiday_week_id
    JOIN children child ON child.id = entry.child_id
    LEFT JOIN dossiers dossier ON dossier.id = entry.dossier_id
    WHERE entry.status = 'waiting' AND entry.group_id IN (
        SELECT group_id FROM waiting_entries WHERE holiday_week_id = ANY($1) AND status = 'waiting'
    )
"""
#: The same for the groups $2 alone, each with its rank among all: 1 for whoever is next, counting the children of the
#: same week in the groups before. Points and turn are those of `rules.order`.
_RANKED = f"""
    SELECT * FROM (
        SELECT *, rank() OVER (PARTITION BY holiday_week_id ORDER BY points DESC, joined_at, group_id) AS rank
        FROM (
            SELECT *, $3::integer * bool_or(resident) OVER together::integer
                + $4::integer * bool_or(sibling) OVER together::integer
                + coalesce((
                    SELECT sum(points) FROM unnest($5::text[], $6::integer[]) AS certified (code, points)
                    WHERE code = ANY(priorities)
                ), 0) AS points
            FROM ({_WAITING} OFFSET 0) AS waiting -- what it computes is computed once
            WINDOW together AS (PARTITION BY group_id)
        ) AS scored
    ) AS ranked WHERE group_id = ANY($2)
"""  # noqa: S608 -- made of constants alone


async def ranked(
    session: AsyncSession, week_ids: Collection[UUID], group_ids: Collection[UUID], criteria: Sequence[Criterion]
) -> tuple[list[Waiting], dict[UUID, int]]:
    """Those of these groups who wait, in no order, and their ranks by id; `week_ids` are the weeks that they wait for.

    In the database, because a family's rank counts those of a whole town, and is asked while others wait for the lock.
    """
    points = [sum(one.points for one in criteria if one.kind == kind) for kind in ("resident", "sibling")]
    certified = [(one.code, one.points) for one in criteria if one.kind == "certified"]
    codes, each = [code for code, _ in certified], [points for _, points in certified]
    rows = await fetch(session, _RANKED, list(week_ids), list(group_ids), *points, codes, each)
    return await _described(session, rows), {row["id"]: row["rank"] for row in rows}


async def waiting(session: AsyncSession, week_ids: Collection[UUID]) -> list[Waiting]:
    """Those who wait for one of these weeks, and those who wait together with them, in no order."""
    return await _described(session, await fetch(session, _WAITING, list(week_ids)))


async def _described(session: AsyncSession, rows: Sequence[asyncpg.Record]) -> list[Waiting]:
    if not rows:
        return []
    found = await weeks(session, {row["holiday_week_id"] for row in rows})
    return [
        Waiting(
            week=found[row["holiday_week_id"]],
            child=_Child(row["first_name"], row["birth_date"], row["resident"]),
            dossier=None if row["status"] is None else _Dossier(row["status"], row["missing"]),
            **{
                name: row[name]
                for name in (
                    *("id", "group_id", "holiday_week_id", "joined_at"),
                    *("of_dossier", "busy", "sibling", "priorities"),
                )
            },
        )
        for row in rows
    ]


async def weeks(session: AsyncSession, week_ids: Iterable[UUID], *, locked: bool = False) -> dict[UUID, HolidayWeek]:
    """As the database has them now, by id, those that there are; `locked` in the order of their ids."""
    query = select(HolidayWeek).where(HolidayWeek.id.in_(week_ids)).execution_options(populate_existing=True)
    if locked:
        query = query.order_by(HolidayWeek.id).with_for_update()
    return {week.id: week for week in await session.scalars(query)}


async def town_rules(session: AsyncSession) -> TownRules:
    """As the town's description says; without one, time alone decides."""
    kept = await session.get(WaitingRules, True)
    if kept is None:
        return TownRules()
    return TownRules(kept.offer_hours, [Criterion(**one) for one in kept.criteria])
