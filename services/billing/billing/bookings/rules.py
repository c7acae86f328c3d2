"""What a booking, as an event tells it, says of the invoices it should have. Pure."""

from contracts.enrolment import Booking


def standing_positions(booking: Booking) -> set[int]:
    """Positions of the lines that are to be paid for."""
    if booking.status not in ("confirmed", "paid"):
        return set()
    return {line.position for line in booking.lines if line.status == "active"}


def refundable_positions(booking: Booking) -> set[int]:
    """Positions of the lines whose price is given back where it was paid."""
    return {line.position for line in booking.lines if line.status == "cancelled" and line.refundable}
