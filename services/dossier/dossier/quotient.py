"""Which quotient of a dossier's history counts on a day."""

from collections.abc import Iterable
from datetime import date

from dossier.models import Quotient


def in_force(history: Iterable[Quotient], day: date) -> Quotient | None:
    """The last one begun by that day, unless it is over: a newer one ends the older for good."""
    begun = [quotient for quotient in history if quotient.valid_from <= day]
    latest = max(begun, key=lambda quotient: quotient.valid_from, default=None)
    return None if latest is None or (latest.valid_to is not None and latest.valid_to < day) else latest
