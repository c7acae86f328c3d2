"""Who waits for a week, with all that decides on their turn, and what the town says of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

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


async def waiting(session: AsyncSession, week_ids: Collection[UUID]) -> list[Waiting]:
    """Those who wait for one of these weeks, and those who wait together with them, in no order."""
    rows = await fetch(session, _WAITING, list(week_ids))
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


async def weeks(session: AsyncSession, week_ids: Collection[UUID]) -> dict[UUID, HolidayWeek]:
    """As the database has them now, by id; those that there are."""
    query = select(HolidayWeek).where(HolidayWeek.id.in_(week_ids)).execution_options(populate_existing=True)
    return {week.id: week for week in await session.scalars(query)}


async def town_rules(session: AsyncSession) -> TownRules:
    """As the town's description says; without one, time alone decides."""
    kept = await session.get(WaitingRules, True)
    if kept is None:
        return TownRules()
    return TownRules(kept.offer_hours, [Criterion(**one) for one in kept.criteria])
