"""Whether a booking may have the prices of a quote. Pure."""

from collections.abc import Set
from datetime import datetime
from uuid import UUID

from contracts.enrolment import Booking


def honoured(dossier_id: UUID, valid_until: datetime, quoted: Set[tuple[UUID, UUID]], booking: Booking) -> bool:
    """Whether a quote is this family's, valid when the booking was confirmed, and for the very lines confirmed:
    `quoted` are its pairs of child and holiday week."""
    confirmed = {(line.child_id, line.holiday_week_id) for line in booking.lines}
    return dossier_id == booking.dossier_id and booking.confirmed_at <= valid_until and quoted == confirmed
