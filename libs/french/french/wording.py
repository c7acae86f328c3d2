"""Amounts, rates, dates and counts as a French reader expects them (with non-breaking spaces)."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import groupby

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from french.paris import PARIS, day_in_paris

_LOCALE = "fr_FR"
_SPACE = "\N{NO-BREAK SPACE}"


@lru_cache(10_000)
def euros(cents: int) -> str:
    """« 12,50 € »."""
    return format_currency(Decimal(cents) / 100, "EUR", locale=_LOCALE)


def percent(rate: Decimal) -> str:
    """« 1,30 % », from 1.30."""
    return f"{format_decimal(rate, format='0.00##', locale=_LOCALE)}{_SPACE}%"


def day(when: date) -> str:
    """« mercredi 3 mars 2027 », « lundi 1er mars 2027 »; a moment is told by its day in Paris."""
    return _date(when, "EEEE {} MMMM y")


def day_of_month(when: date) -> str:
    """« mercredi 3 », « lundi 1er »; a moment is told by its day in Paris."""
    return _date(when, "EEEE {}")


def day_and_month(when: date) -> str:
    """« 21 décembre », « 1er mars »; a moment is told by its day in Paris."""
    return _date(when, "{} MMMM")


def month(first: date) -> str:
    """« décembre 2026 », of any of its days."""
    return format_date(first, "MMMM y", locale=_LOCALE)


def by_month(days: Iterable[date]) -> str:
    """« lundi 7, mardi 8 décembre 2026 ; jeudi 7 janvier 2027 », in order."""
    months = groupby(sorted(days), key=lambda one: one.replace(day=1))
    return " ; ".join(f"{', '.join(map(day_of_month, some))} {month(first)}" for first, some in months)


def _date(when: date, pattern: str) -> str:
    return _written(day_in_paris(when) if isinstance(when, datetime) else when, pattern)


@lru_cache(10_000)  # a month's page says hundreds of them
def _written(local: date, pattern: str) -> str:
    return format_date(local, pattern.format("d'er'" if local.day == 1 else "d"), locale=_LOCALE)


def hour(when: datetime) -> str:
    """« 9 h », « 14 h 05 », in Paris."""
    local = when.astimezone(PARIS)
    return f"{local.hour}{_SPACE}h" + (f"{_SPACE}{local.minute:02}" if local.minute else "")


def moment(when: datetime) -> str:
    """« mercredi 3 mars 2027 à 9 h », in Paris."""
    return f"{day(when)} à {hour(when)}"


def days(count: int) -> str:
    """« 1 jour », « 5 jours »."""
    return f"{count} jour{'s' if count > 1 else ''}"


def years(count: int) -> str:
    """« 1 an », « 5 ans »."""
    return f"{count} an{'s' if count > 1 else ''}"
