"""Which quotient of a dossier's history counts on which day: decided here alone, told to others as it is. Pure."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise

from contracts.dossier import Quotient


def default_end(first_day: date) -> date:
    """The last day of a quotient for which nobody gave one: the 31st of December of the next year."""
    return date(first_day.year + 1, 12, 31)


def periods(history: Iterable[Quotient]) -> tuple[Quotient, ...]:
    """The history as disjoint periods in order: a newer quotient ends the older for good, from its own first day on.

    No two of `history` begin on the same day. On a day of no period none counts: the highest tariff is due.
    """
    recorded = sorted(history, key=lambda quotient: quotient.valid_from)
    ended = [
        older.model_copy(update={"valid_to": min(older.valid_to, newer.valid_from - timedelta(days=1))})
        for older, newer in pairwise(recorded)
    ]
    return (*ended, *recorded[-1:])


def in_force(counting: Iterable[Quotient], day: date) -> Quotient | None:
    """The one of these periods that the day is in."""
    return next((one for one in counting if one.valid_from <= day <= one.valid_to), None)
