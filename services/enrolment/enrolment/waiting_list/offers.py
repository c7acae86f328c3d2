"""A freed place is offered in the transaction that frees it; offers that are over pass on.

An offered entry keeps one of its week's `taken` places, so that nobody else can slip in between. Entries change under
their week's lock alone, and need none of their own.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from uuid import UUID

from chassis.database import fetch
from chassis.outbox import publish
from french.paris import day_in_paris
from sqlalchemy import or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings.models import BookingLine
from enrolment.catalogue.models import HolidayWeek as Week
from enrolment.copies import Dossier
from enrolment.waiting_list import notices, standings
from enrolment.waiting_list.models import WaitingEntry
from enrolment.waiting_list.rules import WaitingStatus, elsewhere, impossible, offer_ends, order, share_out

DUE_BATCH = 50

#: These weeks, and those that others wait for together with somebody who waits for these.
_REACHED = """
    SELECT unnest($1::uuid[]) AS id UNION
    SELECT beside.holiday_week_id FROM waiting_entries entry JOIN waiting_entries beside USING (group_id)
    WHERE entry.holiday_week_id = ANY($1) AND entry.status = 'waiting' AND beside.status = 'waiting'
"""
_WEEKS = f"SELECT id FROM holiday_weeks WHERE id IN ({_REACHED})"  # noqa: S608 -- made of constants alone
_LOCK = f"{_WEEKS} ORDER BY id FOR UPDATE"

_COUNT = """
    UPDATE holiday_weeks week SET taken = taken + change.places
    FROM unnest($1::uuid[], $2::integer[]) AS change (id, places) WHERE week.id = change.id
"""

_DUE = text("""
    SELECT entry.holiday_week_id
    FROM waiting_entries entry
    JOIN holiday_weeks week ON week.id = entry.holiday_week_id
    LEFT JOIN dossiers dossier ON dossier.id = entry.dossier_id
    WHERE entry.status = 'offered' AND (entry.offer_expires_at <= :now OR EXISTS (
              SELECT FROM booking_lines line
              WHERE line.child_id = entry.child_id AND line.active AND line.period && week.period
          ))
       OR entry.status = 'waiting' AND (lower(week.period) <= :today OR (
              week.taken < week.places AND dossier.status = 'active' AND cardinality(dossier.missing) = 0
          ))
    GROUP BY entry.holiday_week_id
    ORDER BY bool_or(entry.status = 'offered') DESC, random()  -- a group may wait on for what is left of its weeks
    LIMIT :batch
""")


@asynccontextmanager
async def freeing(session: AsyncSession, week_ids: Collection[UUID], now: datetime) -> AsyncIterator[None]:
    """Whatever may free places of these weeks is done in here: they are locked before, and what is free is offered
    after it. Bookings are locked earlier, lines and entries later, so that nobody waits in a circle.
    """
    await lock(session, week_ids)
    yield
    await _pass_on(session, week_ids, now)


async def lock(session: AsyncSession, week_ids: Collection[UUID]) -> None:
    """Lock these weeks and those that a group waits for together with them, by id, until the transaction ends."""
    wanted = list(week_ids)
    while True:
        attempt = await session.begin_nested()
        locked = {row["id"] for row in await fetch(session, _LOCK, wanted)}
        if locked.issuperset(row["id"] for row in await fetch(session, _WEEKS, wanted)):
            await attempt.commit()
            return
        await attempt.rollback()  # somebody joined meanwhile: the locks are given back, and all taken again in order


async def count(session: AsyncSession, entries: Iterable[WaitingEntry], places: int) -> None:
    """So many more places taken in each entry's week, once an entry."""
    changes = Counter(entry.holiday_week_id for entry in entries)
    await fetch(session, _COUNT, list(changes), [number * places for number in changes.values()])


async def pass_on_due(session: AsyncSession, now: datetime) -> None:
    """Where an offer is over, or somebody waits in vain, or beside a free place since their dossier is complete."""
    found = await session.scalars(_DUE, {"now": now, "today": day_in_paris(now), "batch": DUE_BATCH})
    if week_ids := found.all():
        async with freeing(session, week_ids, now):
            pass


async def _pass_on(session: AsyncSession, week_ids: Collection[UUID], now: datetime) -> None:
    await session.flush()
    await _end(session, week_ids, now)
    waiting = await standings.waiting(session, week_ids)
    if not waiting:
        return
    closed = {entry.id: why for entry in waiting if (why := impossible(entry, now))}
    rules = await standings.town_rules(session)
    groups = order((entry for entry in waiting if entry.id not in closed), rules.criteria)
    weeks = await standings.weeks(session, {entry.holiday_week_id for entry in waiting})
    offered = share_out(groups, {week.id: week.places_left for week in weeks.values()})
    entries = await _entries(session, {*closed, *(entry.id for group in offered for entry in group.entries)})
    for entry_id, why in closed.items():
        await _close(session, entries[entry_id], why)
    for group in offered:
        together = [entries[entry.id] for entry in group.entries]
        ends = min(offer_ends(now, rules.offer_hours, entry.week.dates[0]) for entry in together)
        for entry in together:
            entry.move(WaitingStatus.OFFERED)
            entry.offered_at, entry.offer_expires_at = now, ends
            entry.criteria = [asdict(one) for one in group.counted]
        await count(session, together, +1)
        await publish(session, notices.offered(together))
        dossier = await session.get(Dossier, together[0].dossier_id)
        if dossier is not None and not dossier.reachable:
            await publish(session, notices.offered_for_desk(together, dossier.number))
    await session.flush()


async def _end(session: AsyncSession, week_ids: Collection[UUID], now: datetime) -> None:
    """End the offers that are over, or whose child has another place in these days by now: their places are free."""
    line = BookingLine.child_id == WaitingEntry.child_id, BookingLine.active, BookingLine.period.overlaps(Week.period)
    busy = select(BookingLine.child_id).where(*line).exists()
    found = await session.scalars(
        select(WaitingEntry)
        .join(Week, Week.id == WaitingEntry.holiday_week_id)
        .where(WaitingEntry.status == WaitingStatus.OFFERED, WaitingEntry.holiday_week_id.in_(week_ids))
        .where(or_(WaitingEntry.offer_expires_at <= now, busy))
        .order_by(WaitingEntry.group_id, WaitingEntry.id)
        .execution_options(populate_existing=True)
    )
    for _, group in groupby(found.all(), lambda entry: entry.group_id):
        together = list(group)
        lapsed = [entry for entry in together if entry.offer_expires_at and entry.offer_expires_at <= now]
        for entry in together:
            if entry in lapsed:
                entry.move(WaitingStatus.LAPSED)
            else:
                await _close(session, entry, elsewhere(entry.child))
        await count(session, together, -1)
        if lapsed:
            await publish(session, notices.lapsed(lapsed))
    await session.flush()


async def _close(session: AsyncSession, entry: WaitingEntry, why: str) -> None:
    entry.move(WaitingStatus.CLOSED)
    entry.reason = why
    await publish(session, notices.closed(entry, why))


async def _entries(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, WaitingEntry]:
    query = select(WaitingEntry).where(WaitingEntry.id.in_(ids)).execution_options(populate_existing=True)
    return {entry.id: entry for entry in await session.scalars(query)}
