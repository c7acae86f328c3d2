"""Which quotient counts on which day."""

from datetime import date
from itertools import pairwise

import pytest
from contracts.dossier import Quotient
from dossier.quotient import default_end, in_force, periods
from hypothesis import given
from hypothesis import strategies as st

FIRST = Quotient(value=700, source="caf", valid_from=date(2026, 1, 1), valid_to=default_end(date(2026, 1, 1)))
SECOND = Quotient(value=900, source="caf", valid_from=date(2026, 9, 1), valid_to=date(2026, 12, 31))
DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 31))


@st.composite
def histories(draw: st.DrawFn) -> list[Quotient]:
    """What may have been recorded, in any order: overlapping, with gaps, none beginning with another."""
    begins = draw(st.lists(DAYS, unique=True, max_size=6))
    return [
        Quotient(value=value, source="caf", valid_from=day, valid_to=max(day, draw(DAYS)))
        for value, day in enumerate(begins)
    ]


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (date(2025, 12, 31), None),
        (date(2026, 1, 1), 700),
        (date(2026, 8, 31), 700),
        (date(2026, 9, 1), 900),
        (date(2026, 12, 31), 900),
        (date(2027, 1, 1), None),
    ],
)
def test_the_quotient_begun_last_counts_until_its_end(day: date, counts: int | None) -> None:
    for history in ([FIRST, SECOND], [SECOND, FIRST]):
        found = in_force(periods(history), day)
        assert (found and found.value) == counts


@given(histories(), DAYS)
def test_the_periods_told_are_disjoint_and_say_of_each_day_what_was_recorded_last(
    history: list[Quotient], day: date
) -> None:
    told = periods(history)
    assert all(one.valid_from <= one.valid_to for one in told)
    assert all(older.valid_to < newer.valid_from for older, newer in pairwise(told))
    latest = max((one for one in history if one.valid_from <= day), key=lambda one: one.valid_from, default=None)
    expected = latest.value if latest and day <= latest.valid_to else None
    assert [one.value for one in told if one.valid_from <= day <= one.valid_to] == (
        [] if expected is None else [expected]
    )


def test_without_a_quotient_none_counts() -> None:
    assert in_force(periods([]), date(2026, 1, 1)) is None
