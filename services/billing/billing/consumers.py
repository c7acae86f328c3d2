"""What billing does with each event: copies of what others own, and the invoices of bookings."""

from chassis import clock
from chassis.copies import keep_copy
from chassis.inbox import Handlers, Together
from contracts.dossier import ChildChanged, DossierChanged, QuotientChanged
from contracts.enrolment import (
    ActivityChanged,
    Booking,
    BookingCancelled,
    BookingChanged,
    BookingConfirmed,
    BookingExpired,
    BookingPaid,
    HolidayWeekChanged,
)
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bookings import bill
from billing.models import Activity, Child, Dossier, HolidayWeek, QuotientHistory


@Together
async def keep_dossier(session: AsyncSession, event: DossierChanged) -> None:
    facts = event.model_dump(mode="json", include={"adults", "address"})
    await keep_copy(session, Dossier, id=event.dossier_id, version=event.version, number=event.number, **facts)


@Together
async def keep_child(session: AsyncSession, event: ChildChanged) -> None:
    await keep_copy(
        session,
        Child,
        id=event.child_id,
        version=event.version,
        dossier_ids=list(event.dossier_ids),
        first_name=event.first_name,
        last_name=event.last_name,
        resident=event.resident,
    )


@Together
async def keep_quotients(session: AsyncSession, event: QuotientChanged) -> None:
    facts = event.model_dump(mode="json", include={"quotients"})
    await keep_copy(session, QuotientHistory, dossier_id=event.dossier_id, version=event.version, **facts)


@Together
async def keep_activity(session: AsyncSession, event: ActivityChanged) -> None:
    await keep_copy(session, Activity, id=event.activity_id, version=event.version, regie_code=event.regie)


@Together
async def keep_holiday_week(session: AsyncSession, event: HolidayWeekChanged) -> None:
    await keep_copy(
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


HANDLERS: Handlers = {
    DossierChanged: keep_dossier,
    ChildChanged: keep_child,
    QuotientChanged: keep_quotients,
    ActivityChanged: keep_activity,
    HolidayWeekChanged: keep_holiday_week,
    BookingConfirmed: bill_booking,
    BookingChanged: bill_booking,
    BookingPaid: bill_booking,
    BookingCancelled: bill_booking,
    BookingExpired: bill_booking,
}
