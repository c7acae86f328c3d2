"""The cells of a month, without a database."""

from datetime import UTC, date, datetime

from chassis.identifiers import new_id
from planning.deadlines.rules import TownCalendar
from planning.plannings import rules
from planning.plannings.rules import BookedDay, Row
from planning.reservations.rules import BOOKED_ELSEWHERE, CHANGED_ELSEWHERE

DEADLINE = datetime(2026, 12, 4, 22, 59, tzinfo=UTC)
DECEMBER = date(2026, 12, 1)
INES = BookedDay(new_id(), "Inès", new_id(), "Vacances", date(2026, 12, 31), new_id(), "paid", DEADLINE)
TOWN = TownCalendar("C", {date(2026, 12, 11): "Grève"})


def rows(first: date, booked: list[BookedDay]) -> list[Row]:
    return rules.rows(first, [], booked, TOWN, DEADLINE)


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
    week = [INES, INES._replace(date=date(2027, 1, 1))]
    for first, day in ((DECEMBER, date(2026, 12, 31)), (date(2027, 1, 1), date(2027, 1, 1))):
        [row] = rows(first, week)
        assert [cell.date for cell in row.cells if cell.status == "reserved"] == [day]


def test_a_row_a_child_and_activity_in_the_order_of_names() -> None:
    tom = INES._replace(child_id=new_id(), child_first_name="Tom")
    elsewhere = INES._replace(activity_id=new_id(), activity_name="Ateliers", date=date(2026, 12, 22))
    other_day = INES._replace(date=date(2026, 12, 30))
    made = rows(DECEMBER, [tom, INES, elsewhere, other_day])
    assert [(row.child_first_name, row.activity_name) for row in made] == [
        ("Inès", "Ateliers"),
        ("Inès", "Vacances"),
        ("Tom", "Vacances"),
    ]
    assert [cell.date.day for cell in made[1].cells if cell.status == "reserved"] == [30, 31]


def test_two_children_of_one_name_have_each_their_row() -> None:
    assert len(rows(DECEMBER, [INES, INES._replace(child_id=new_id())])) == 2


def test_a_child_whose_copy_has_not_arrived_still_has_its_row() -> None:
    [row] = rows(DECEMBER, [INES._replace(child_first_name=None, activity_name=None, cancellation_closes_at=None)])
    assert (row.child_first_name, row.activity_name, row.cells[-1].status) == (None, None, "reserved")
