"""Amounts, rates, dates and counts as a French reader expects them (with non-breaking spaces)."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal

PARIS = ZoneInfo("Europe/Paris")
_LOCALE = "fr_FR"


def euros(cents: int) -> str:
    """« 12,50 € »."""
    return format_currency(Decimal(cents) / 100, "EUR", locale=_LOCALE)


def percent(rate: Decimal) -> str:
    """« 1,30 % », from 1.30."""
    return f"{format_decimal(rate, format='0.00##', locale=_LOCALE)} %"


def day(when: date) -> str:
    """« mercredi 3 mars 2027 »; a moment is told by its day in Paris."""
    local = when.astimezone(PARIS).date() if isinstance(when, datetime) else when
    return format_date(local, "EEEE d MMMM y", locale=_LOCALE)


def hour(when: datetime) -> str:
    """« 14 h 05 », in Paris."""
    return format_time(when, "H 'h' mm", tzinfo=PARIS, locale=_LOCALE)


def days(count: int) -> str:
    """« 1 jour », « 5 jours »."""
    return f"{count} jour{'s' if count > 1 else ''}"
