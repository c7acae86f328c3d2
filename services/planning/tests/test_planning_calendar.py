"""The cells of a month, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from chassis.identifiers import new_id
from planning.calendar import BOOKED_ELSEWHERE, CHANGED_ELSEWHERE, BookedDay, BookingStatus, first_day, last_day, rows

DEADLINE = datetime(2026, 12, 4, 22, 59, tzinfo=UTC)
DECEMBER = date(2026, 12, 1)
INES = BookedDay(new_id(), "Inès", new_id(), "Vacances", date(2026, 12, 31), new_id(), BookingStatus.PAID, DEADLINE)


@pytest.mark.parametrize(
    ("month", "days"), [("2026-02", 28), ("2028-02", 29), ("2026-12", 31), ("9999-12", 31), ("1000-01", 31)]
)
def test_a_month_goes_from_its_first_to_its_last_day(month: str, days: int) -> None:
    first = first_day(month)
    assert first.day == 1
    assert last_day(first) == first.replace(day=days)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-1", "0999-01", "1-01", "2026-12-01", "2026-12\n", "٢٠٢٦-12"]
)
def test_anything_but_a_month_is_refused_in_french(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Un mois est attendu \(AAAA-MM\)\.$"):
        first_day(text)


def test_a_month_without_bookings_has_no_row() -> None:
    assert rows(DECEMBER, []) == []


def test_a_booked_day_is_reserved_and_changed_through_its_booking() -> None:
    [row] = rows(DECEMBER, [INES])
    assert [cell.date for cell in row.cells] == [date(2026, 12, day) for day in range(1, 32)]
    last = row.cells[-1]
    assert (last.status, last.booking_id, last.booking_status) == ("reserved", INES.booking_id, "paid")
    assert (last.can_change, last.change_until, last.reason) == (False, DEADLINE, CHANGED_ELSEWHERE)


def test_the_other_days_are_closed_and_say_why() -> None:
    [row] = rows(DECEMBER, [INES])
    assert {(c.status, c.booking_id, c.can_change, c.change_until, c.reason) for c in row.cells[:-1]} == {
        ("closed", None, False, None, BOOKED_ELSEWHERE)
    }


def test_a_week_over_two_months_shows_in_each_only_its_days() -> None:
    week = [INES, replace(INES, date=date(2027, 1, 1))]
    for first, day in ((DECEMBER, date(2026, 12, 31)), (date(2027, 1, 1), date(2027, 1, 1))):
        [row] = rows(first, week)
        assert [cell.date for cell in row.cells if cell.status == "reserved"] == [day]


def test_a_row_a_child_and_activity_in_the_order_of_names() -> None:
    tom = replace(INES, child_id=new_id(), child_first_name="Tom")
    elsewhere = replace(INES, activity_id=new_id(), activity_name="Ateliers", date=date(2026, 12, 22))
    other_day = replace(INES, date=date(2026, 12, 30))
    made = rows(DECEMBER, [tom, INES, elsewhere, other_day])
    assert [(row.child_first_name, row.activity_name) for row in made] == [
        ("Inès", "Ateliers"),
        ("Inès", "Vacances"),
        ("Tom", "Vacances"),
    ]
    assert [cell.date.day for cell in made[1].cells if cell.status == "reserved"] == [30, 31]


def test_two_children_of_one_name_have_each_their_row() -> None:
    assert len(rows(DECEMBER, [INES, replace(INES, child_id=new_id())])) == 2


def test_a_child_whose_copy_has_not_arrived_still_has_its_row() -> None:
    [row] = rows(DECEMBER, [replace(INES, child_first_name=None, activity_name=None, cancellation_closes_at=None)])
    assert (row.child_first_name, row.activity_name, row.cells[-1].status) == (None, None, "reserved")
