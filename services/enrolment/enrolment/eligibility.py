"""May this child be booked into this holiday week now, and what does leaving it give back? Pure; every answer says why,
in French.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from french.paris import day_in_paris
from french.wording import day_and_month, hour

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


class Dated(Protocol):
    @property
    def dates(self) -> Sequence[date]: ...


class Bookable(Dated, Protocol):
    """A week, by what is asked of who books it."""

    @property
    def min_age(self) -> int: ...
    @property
    def max_age(self) -> int: ...
    @property
    def booking_closes_at(self) -> datetime: ...


class Leavable(Dated, Protocol):
    @property
    def cancellation_closes_at(self) -> datetime: ...


class Child(Protocol):
    @property
    def first_name(self) -> str: ...
    @property
    def birth_date(self) -> date: ...


class Dossier(Protocol):
    @property
    def status(self) -> str: ...
    @property
    def missing(self) -> Sequence[str]: ...


def age_on(birth_date: date, day: date) -> int:
    """Whole years; somebody born on a 29 February is a year older on 1 March of a common year."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def suits_age(week: Bookable, child: Child) -> bool:
    """Whether the child is in the week's age group on its first day."""
    return week.min_age <= age_on(child.birth_date, week.dates[0]) <= week.max_age


def dossier_refusal(dossier: Dossier | None) -> str | None:
    """Why this family cannot use activities other than the canteen (which is a right), or none."""
    if dossier is None:
        return "Votre dossier n'est pas encore connu de ce service : réessayez dans quelques instants."
    if dossier.status != "active":
        return "Votre dossier est archivé : adressez-vous au guichet."
    if dossier.missing:
        return "Votre dossier est incomplet : complétez-le, puis recommencez."
    return None


def refusal(week: Bookable, child: Child, dossier: Dossier | None, now: datetime) -> str | None:
    """Why not, or none. Places are another matter."""
    if not suits_age(week, child):
        return (
            f"Cette semaine accueille les enfants de {week.min_age} à {week.max_age} ans ; "
            f"{child.first_name} aura {age_on(child.birth_date, week.dates[0])} ans le premier jour."
        )
    if begun(week, now):
        return "Cette semaine a déjà commencé : choisissez-en une autre."
    if now >= week.booking_closes_at:
        return (
            f"Les réservations pour cette semaine sont closes depuis le {_moment(week.booking_closes_at)} : "
            "choisissez une autre semaine."
        )
    return dossier_refusal(dossier)


def begun(week: Dated, now: datetime) -> bool:
    """Whether the week's first day has come, in Paris."""
    return week.dates[0] <= day_in_paris(now)


@dataclass(frozen=True)
class Terms:
    """On which terms a line is left: whether what was paid for it is given back, and why in French."""

    refundable: bool
    reason: str


def terms(week: Leavable, status: BookingStatus, now: datetime) -> Terms | None:
    """Of leaving that week of a held, confirmed or paid booking; none: the week has begun, and is not left any more.

    A hold has promised nothing yet, so it may always be given up. Until the payment is known, nothing is due.
    """
    if status is BookingStatus.HELD:
        return Terms(False, "Annulée avant d'être confirmée : il n'y avait rien à payer.")
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
        return Terms(True, f"Annulée dans le délai, ouvert jusqu'au {_moment(closes)} : la somme est rendue en crédit.")
    return Terms(False, f"Annulée après le délai, clos depuis le {_moment(closes)} : la somme n'est pas rendue.")


def _moment(when: datetime) -> str:
    """« 4 décembre à 23 h 59 »"""
    return f"{day_and_month(when)} à {hour(when)}"
