"""From which day on a quotient counts."""

from datetime import date

from french.calendar import DAY, last_day


def counts_from(today: date) -> date:
    """A new quotient counts from the next month on, if nobody says from when."""
    return last_day(today.replace(day=1)) + DAY


def needs_reason(first_day: date, today: date) -> bool:
    """Whether a month that has begun would cost otherwise than it did: then somebody says why."""
    return first_day < counts_from(today)
