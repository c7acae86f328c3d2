"""What dossier does with what it hears."""

from chassis.copies import keep
from chassis.erasure import EvenErased
from chassis.inbox import Handlers
from chassis.revoked import keep_revoked
from contracts.enrolment import (
    BookingCancelled,
    BookingChanged,
    BookingConfirmed,
    BookingExpired,
    BookingPaid,
    EnrolmentChanged,
    SiteChanged,
)
from contracts.identity import AccessRevoked, AccountActivated, AccountClosed

from dossier.copies import Enrolment, Site, keep_booking
from dossier.erasures.erasing import hear_account

_BOOKINGS = (BookingConfirmed, BookingChanged, BookingPaid, BookingCancelled, BookingExpired)
HANDLERS: Handlers = {
    AccessRevoked: keep_revoked,
    **dict.fromkeys((AccountActivated, AccountClosed), EvenErased(hear_account)),
    SiteChanged: keep(Site),
    EnrolmentChanged: keep(Enrolment),
    **dict.fromkeys(_BOOKINGS, keep_booking),
}
