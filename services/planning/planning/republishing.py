"""What others keep copies of: the reserved days of each child, activity and month.

What an enrolment came to is not kept: it was answered once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from chassis.republishing import kept, republishing
from contracts import Event
from contracts.planning import ReservedDay
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from planning.reservations.changing import reservations_changed
from planning.reservations.models import Entry, Reservation, ReservationStatus

Month = tuple[UUID, UUID, date]


async def _reservations(session: AsyncSession, named: Sequence[Month]) -> Iterable[Event]:
    of = Entry.child_id, Entry.activity_id, Entry.month
    versions = (
        await session.execute(select(*of, func.max(Entry.version)).where(tuple_(*of).in_(named)).group_by(*of))
    ).all()
    reserved = (
        select(Reservation)
        .where(tuple_(Reservation.child_id, Reservation.activity_id).in_({one[:2] for one in named}))
        .where(Reservation.status == ReservationStatus.RESERVED)
        .order_by(Reservation.day)
    )
    days: defaultdict[Month, list[ReservedDay]] = defaultdict(list)
    for one in await session.scalars(reserved):
        day = ReservedDay(date=one.day, dossier_id=one.dossier_id, site_id=one.site_id)
        days[one.child_id, one.activity_id, one.day.replace(day=1)].append(day)
    return [
        reservations_changed(child_id, activity_id, month, version, days[child_id, activity_id, month])
        for child_id, activity_id, month, version in versions
    ]


REPUBLISH = republishing(kept(_reservations, Entry.child_id, Entry.activity_id, Entry.month))
