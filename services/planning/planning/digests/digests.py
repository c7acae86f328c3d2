"""Asking for the coming week by mail, and sending it: to each guardian once a week, whatever ends in the middle."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from chassis.database import fetch
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Forbidden
from chassis.reach import Reach
from contracts.planning import NoticeWritten
from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from planning.copies import is_guardian
from planning.digests.models import Digest
from planning.digests.rules import Day, paragraphs, title, week_to_tell
from planning.reservations.lines import custody_of
from planning.reservations.rules import is_others

BATCH = 100

# What is reserved for a child by whichever family, and what the dossier itself has booked.
_DAYS = """
    SELECT own.dossier_id, taken.custody, child.id, child.first_name, activity.name, taken.day
    FROM unnest($1::uuid[]) AS own (dossier_id)
    JOIN children child ON child.dossier_ids @> ARRAY[own.dossier_id]
    LEFT JOIN LATERAL (
        SELECT activity_id, day, child.custody::text FROM reservations
        WHERE child_id = child.id AND status = 'reserved' AND day BETWEEN $2 AND $3
        UNION
        SELECT activity_id, day, NULL FROM booking_days JOIN bookings booking ON booking.id = booking_id
        WHERE child_id = child.id AND day BETWEEN $2 AND $3 AND booking.dossier_id = own.dossier_id
    ) AS taken ON true
    LEFT JOIN activities activity ON activity.id = taken.activity_id
"""


async def is_enabled(session: AsyncSession, reach: Reach) -> bool:
    own = select(Digest.enabled).where(Digest.account_id == reach.sub, Digest.dossier_id == reach.dossier_id)
    return bool(await session.scalar(own.where(is_guardian(Digest.guardian_id, Digest.dossier_id))))


async def switch(session: AsyncSession, reach: Reach, *, enabled: bool) -> None:
    """A week that was told is not told again. Raises Forbidden for a guardian of no dossier."""
    if reach.dossier_id is None or reach.guardian_id is None:
        raise Forbidden
    row = {"dossier_id": reach.dossier_id, "guardian_id": reach.guardian_id, "enabled": enabled}
    wanted = insert(Digest).values(account_id=reach.sub, **row)
    await session.execute(wanted.on_conflict_do_update(index_elements=["account_id"], set_=row))


async def send(session: AsyncSession, now: datetime) -> bool:
    """Tell one batch of guardians the coming week, where it is the time; whether there may be more.

    That they have been told is noted in the transaction that publishes it, by whoever comes first.
    """
    monday = week_to_tell(now)
    if monday is None:
        return False
    untold = (
        select(Digest.account_id)
        .where(Digest.enabled, or_(Digest.sent_for.is_(None), Digest.sent_for < monday))
        .where(is_guardian(Digest.guardian_id, Digest.dossier_id))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    ours = update(Digest).where(Digest.account_id.in_(untold)).values(sent_for=monday)
    found = (await session.execute(ours.returning(Digest.account_id, Digest.dossier_id))).all()
    days = await _days(session, {dossier_id for _, dossier_id in found}, monday)
    await publish(session, *(_digest(account_id, monday, days[dossier_id]) for account_id, dossier_id in found))
    return len(found) >= BATCH


async def _days(session: AsyncSession, dossier_ids: Collection[UUID], monday: date) -> dict[UUID, list[Day]]:
    """Of the week, by dossier."""
    days: dict[UUID, list[Day]] = defaultdict(list)
    for own, custody, *said in await fetch(session, _DAYS, list(dossier_ids), monday, monday + timedelta(days=6)):
        day = Day(*said)
        if day.date and is_others(custody_of(custody), day.date, own):
            day = day._replace(activity_name=None, date=None)
        days[own].append(day)
    return days


def _digest(account_id: UUID, monday: date, days: Collection[Day]) -> NoticeWritten:
    return NoticeWritten(
        notice_id=new_id(),
        account_id=account_id,
        title=title(monday),
        paragraphs=tuple(paragraphs(monday, days)),
        link=f"/planning/{monday:%Y-%m}",
    )
