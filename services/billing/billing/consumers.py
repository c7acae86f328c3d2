"""What billing does with each event: copies of what others own, and the invoices of bookings."""

from typing import Any

from chassis import clock
from chassis.inbox import Handlers
from contracts.dossier import ChildChanged, DossierChanged, QuotientChanged
from contracts.enrolment import (
    ActivityChanged,
    Booking,
    BookingCancelled,
    BookingConfirmed,
    BookingExpired,
    BookingPaid,
    HolidayWeekChanged,
)
from sqlalchemy import inspect
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices import bill
from billing.models import Activity, Base, Child, Dossier, HolidayWeek, QuotientHistory


async def keep_dossier(session: AsyncSession, event: DossierChanged) -> None:
    facts = event.model_dump(mode="json", include={"adults", "address"})
    await _keep(session, Dossier, id=event.dossier_id, version=event.version, number=event.number, **facts)


async def keep_child(session: AsyncSession, event: ChildChanged) -> None:
    await _keep(
        session,
        Child,
        id=event.child_id,
        version=event.version,
        dossier_ids=list(event.dossier_ids),
        first_name=event.first_name,
        last_name=event.last_name,
        resident=event.resident,
    )


async def keep_quotients(session: AsyncSession, event: QuotientChanged) -> None:
    facts = event.model_dump(mode="json", include={"quotients"})
    await _keep(session, QuotientHistory, dossier_id=event.dossier_id, version=event.version, **facts)


async def keep_activity(session: AsyncSession, event: ActivityChanged) -> None:
    await _keep(session, Activity, id=event.activity_id, version=event.version, regie_code=event.regie)


async def keep_holiday_week(session: AsyncSession, event: HolidayWeekChanged) -> None:
    await _keep(
        session,
        HolidayWeek,
        id=event.holiday_week_id,
        version=event.version,
        activity_id=event.activity_id,
        centre=event.centre,
        name=event.name,
        dates=list(event.dates),
    )


async def bill_booking(session: AsyncSession, event: Booking) -> None:
    await bill(session, event, clock.now())


async def _keep(session: AsyncSession, copy: type[Base], **values: Any) -> None:
    """Store the copy, unless one as new is there already."""
    stored = insert(copy).values(values)
    await session.execute(
        stored.on_conflict_do_update(
            index_elements=[column.name for column in inspect(copy).primary_key],
            set_=values,
            where=inspect(copy).columns["version"] < stored.excluded.version,
        )
    )


HANDLERS: Handlers = {
    DossierChanged: keep_dossier,
    ChildChanged: keep_child,
    QuotientChanged: keep_quotients,
    ActivityChanged: keep_activity,
    HolidayWeekChanged: keep_holiday_week,
    BookingConfirmed: bill_booking,
    BookingPaid: bill_booking,
    BookingCancelled: bill_booking,
    BookingExpired: bill_booking,
}
