"""What others keep copies of: the catalogue, enrolments, and bookings that were confirmed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from chassis.republishing import Kept, kept, republishing
from contracts import Event
from contracts import enrolment as contract
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings import bookings
from enrolment.bookings.models import Booking
from enrolment.bookings.rules import BookingStatus
from enrolment.catalogue import editing
from enrolment.catalogue.models import Activity, HolidayWeek, Site
from enrolment.enrolments import enrolments
from enrolment.enrolments.models import Enrolment

_AS: Mapping[BookingStatus, type[contract.Booking]] = {
    BookingStatus.CONFIRMED: contract.BookingConfirmed,
    BookingStatus.PAID: contract.BookingPaid,
    BookingStatus.CANCELLED: contract.BookingCancelled,
    BookingStatus.EXPIRED: contract.BookingExpired,
}


Row = TypeVar("Row", Site, Activity, HolidayWeek)


def _catalogue(
    row: type[Row], kind: type[contract.SiteChanged | contract.ActivityChanged | contract.HolidayWeekChanged]
) -> Kept:
    async def events(session: AsyncSession, named: Sequence[UUID]) -> Iterable[Event]:
        return [editing.event_of(kind, one) for one in await session.scalars(select(row).where(row.id.in_(named)))]

    return kept(events, row.id)


async def _enrolments(session: AsyncSession, named: Sequence[UUID]) -> Iterable[Event]:
    return map(enrolments.event_of, await session.scalars(select(Enrolment).where(Enrolment.id.in_(named))))


async def _bookings(session: AsyncSession, named: Sequence[UUID]) -> Iterable[Event]:
    confirmed = select(Booking).where(Booking.id.in_(named), Booking.confirmed_at.is_not(None))
    return [bookings.event_of(_AS[one.status], one) for one in await session.scalars(confirmed)]


REPUBLISH = republishing(
    _catalogue(Site, contract.SiteChanged),
    _catalogue(Activity, contract.ActivityChanged),
    _catalogue(HolidayWeek, contract.HolidayWeekChanged),
    kept(_enrolments, Enrolment.id),
    kept(_bookings, Booking.id),
)
