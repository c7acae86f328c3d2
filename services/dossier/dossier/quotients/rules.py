"""From which day on a quotient counts."""

from datetime import date

from french.calendar import DAY, last_day


def counts_from(today: date) -> date:
    """A new quotient counts from the next month on, if nobody says from when."""
    return last_day(today.replace(day=1)) + DAY


#: From a day more years away than that, before or after, it is a slip of the pen.
AWAY_YEARS = 10


def first_day_fault(first_day: date, today: date) -> str | None:
    """What is wrong, in French, with the day from which a quotient is said to count."""
    if abs(first_day.year - today.year) > AWAY_YEARS:
        return f"Cette date est trop lointaine : un quotient compte à {AWAY_YEARS} ans d'aujourd'hui au plus."
    return None


def needs_reason(first_day: date, today: date) -> bool:
    """Whether a month that has begun would cost otherwise than it did: then somebody says why."""
    return first_day < counts_from(today)
