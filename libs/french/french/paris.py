"""Paris time: the days and hours that families, deadlines and PayFiP mean."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def day_in_paris(moment: datetime) -> date:
    """The day it is in Paris at that moment."""
    return moment.astimezone(PARIS).date()


def at(day: date, hour: time) -> datetime:
    """That time of day in Paris, as a moment in UTC, so that moments compare and subtract rightly across clock changes.

    An hour that spring skips is told by the clock that was not put forward; of the hour that autumn repeats, the first.
    """
    return datetime.combine(day, hour, PARIS).astimezone(UTC)
