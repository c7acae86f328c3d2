from datetime import UTC, date, datetime, time, timedelta

import pytest
from french.paris import at, day_in_paris


@pytest.mark.parametrize(
    ("day", "hour", "moment"),
    [
        (date(2026, 11, 28), time(23, 59), datetime(2026, 11, 28, 22, 59, tzinfo=UTC)),
        (date(2027, 6, 12), time(23, 59), datetime(2027, 6, 12, 21, 59, tzinfo=UTC)),
        # The night of 27 to 28 March 2027 has no 02:30: one who did not put the clock forward means 03:30.
        (date(2027, 3, 28), time(2, 30), datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        # The night of 30 to 31 October 2027 has two: the first is meant.
        (date(2027, 10, 31), time(2, 30), datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_of_day_is_that_of_paris_across_clock_changes(day: date, hour: time, moment: datetime) -> None:
    assert at(day, hour) == moment


def test_the_days_of_clock_changes_last_23_and_25_hours() -> None:
    lengths = [at(day + timedelta(days=1), time()) - at(day, time()) for day in (date(2027, 3, 28), date(2027, 10, 31))]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]


def test_a_day_begins_at_midnight_in_paris() -> None:
    assert day_in_paris(datetime(2026, 12, 31, 22, 59, tzinfo=UTC)) == date(2026, 12, 31)
    assert day_in_paris(datetime(2026, 12, 31, 23, 0, tzinfo=UTC)) == date(2027, 1, 1)
