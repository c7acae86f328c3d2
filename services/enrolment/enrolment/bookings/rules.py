"""Where a booking may go from its state, and what leaving a week gives back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Protocol

from french.paris import at
from french.wording import day

from enrolment.catalogue.rules import Dated, begun, moment

BEGUN = "Cette semaine a commencé : elle ne peut plus être annulée."


class BookingStatus(StrEnum):
    HELD = "held"
    CONFIRMED = "confirmed"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[BookingStatus, frozenset[BookingStatus]] = {
    BookingStatus.HELD: frozenset({BookingStatus.CONFIRMED, BookingStatus.EXPIRED, BookingStatus.CANCELLED}),
    BookingStatus.CONFIRMED: frozenset({BookingStatus.PAID, BookingStatus.EXPIRED, BookingStatus.CANCELLED}),
    BookingStatus.PAID: frozenset({BookingStatus.CANCELLED}),
    BookingStatus.EXPIRED: frozenset({BookingStatus.CONFIRMED}),  # revived by money that came late
    BookingStatus.CANCELLED: frozenset(),
}


class Leavable(Dated, Protocol):
    @property
    def cancellation_closes_at(self) -> datetime: ...


@dataclass(frozen=True)
class Terms:
    """On which terms a line is left: whether what was paid for it is given back, and why in French."""

    refundable: bool
    reason: str


def pay_by_refusal(week: Dated, pay_by: datetime | None) -> str | None:
    """Why the desk cannot let the family pay for that week until then, or none."""
    if pay_by is None or pay_by < at(week.dates[0], time.min):
        return None
    return (
        f"Cette semaine commence le {day(week.dates[0])}, avant la fin du délai de paiement ({moment(pay_by)}) : "
        "indiquez un délai plus court."
    )


#: A hold has promised nothing yet, so it may always be given up.
GIVEN_UP = Terms(False, "Annulée avant d'être confirmée : il n'y avait rien à payer.")


def terms(week: Leavable, status: BookingStatus, now: datetime) -> Terms | None:
    """Of leaving that week of a held, confirmed or paid booking; none: the week has begun, and is not left any more.

    Until the payment is known, nothing is due.
    """
    if status is BookingStatus.HELD:
        return GIVEN_UP
    if begun(week, now):
        return None
    if status is BookingStatus.CONFIRMED:
        return Terms(
            True,
            "Annulée avant le paiement : elle n'est pas à payer. Si vous venez de payer, la somme est gardée en crédit "
            "pour votre famille.",
        )
    closes = week.cancellation_closes_at
    if now <= closes:
        return Terms(True, f"Annulée dans le délai, ouvert jusqu'au {moment(closes)} : la somme est rendue en crédit.")
    return Terms(False, f"Annulée après le délai, clos depuis le {moment(closes)} : la somme n'est pas rendue.")
