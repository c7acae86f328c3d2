"""What a booking, as an event tells it, says of the invoices it should have, and who pays them. Pure."""

from collections.abc import Sequence
from datetime import date

from contracts.dossier import Adult, Payer
from contracts.enrolment import Booking


def standing_positions(booking: Booking) -> set[int]:
    """Positions of the lines that are to be paid for."""
    if booking.status not in ("confirmed", "paid"):
        return set()
    return {line.position for line in booking.lines if line.status == "active"}


def refundable_positions(booking: Booking) -> set[int]:
    """Positions of the lines whose price is given back where it was paid."""
    return {line.position for line in booking.lines if line.status == "cancelled" and line.refundable}


def payer(adults: Sequence[Adult], payers: Sequence[Payer], day: date) -> Adult | None:
    """The adult of a dossier who pays on that day: who is said to from a day on, else who has that role."""
    said = next((one.adult_id for one in reversed(payers) if one.valid_from <= day), None)
    found = next((one for one in adults if one.adult_id == said), None)
    return found or next((one for one in adults if "payer" in one.roles), None)
