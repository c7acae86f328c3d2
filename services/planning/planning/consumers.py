"""What planning does with what it hears."""

from collections.abc import Sequence

from chassis.copies import keep
from chassis.inbox import AtOnce, Handlers
from chassis.revoked import keep_revoked
from contracts.dossier import ChildChanged, DossierChanged
from contracts.enrolment import (
    ActivityChanged,
    Booking,
    BookingCancelled,
    BookingChanged,
    BookingConfirmed,
    BookingExpired,
    BookingPaid,
    EnrolmentChanged,
    HolidayWeekChanged,
    SiteChanged,
)
from contracts.identity import AccessRevoked
from sqlalchemy.ext.asyncio import AsyncSession

from planning.copies import Activity, Child, Dossier, HolidayWeek, Site, guardians, keep_bookings, names_of_guardians
from planning.enrolments.applying import apply
from planning.enrolments.handing_over import hand_over
from planning.erasing import ERASURE
from planning.merging import MERGING
from planning.reservations.changing import touch


@AtOnce
async def keep_booking(session: AsyncSession, events: Sequence[Booking]) -> None:
    """The months are locked last and in the order of all who lock them, which only those do who wait for no booking."""
    await touch(session, await keep_bookings(session, events))


HANDLERS: Handlers = {
    **ERASURE.handlers("dossier", "child", "account"),
    AccessRevoked: keep_revoked,
    DossierChanged: keep(Dossier, guardian_ids=guardians, guardian_names=names_of_guardians).then(MERGING.hear),
    ChildChanged: keep(Child, custody=lambda event: event.custody and event.custody.model_dump(mode="json")).then(
        hand_over
    ),
    SiteChanged: keep(Site),
    ActivityChanged: keep(Activity),
    HolidayWeekChanged: keep(HolidayWeek),
    EnrolmentChanged: apply,
    BookingConfirmed: keep_booking,
    BookingChanged: keep_booking,
    BookingPaid: keep_booking,
    BookingCancelled: keep_booking,
    BookingExpired: keep_booking,
}
