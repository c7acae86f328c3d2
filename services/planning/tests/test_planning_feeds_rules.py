"""The feed read back by a calendar."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.identifiers import new_id
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from planning.feeds.rules import SHOWN, Cell, FeedDay, Trace, told, written

INES, TOM, CANTEEN, WEDNESDAY = (new_id() for _ in range(4))
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
LONG_AGO, LATELY = NOW - SHOWN, NOW - SHOWN + timedelta(seconds=1)


def cell(child: UUID = INES, activity: UUID = CANTEEN, when: date = date(2026, 12, 1)) -> Cell:
    first_name, name = {INES: "Inès", TOM: "Tom"}[child], {CANTEEN: "Cantine", WEDNESDAY: "Mercredi"}[activity]
    return Cell(child, first_name, activity, name, when)


def day(*of: Any, reserved: bool = True, sequence: int = 1, **named: Any) -> FeedDay:
    return FeedDay(cell(*of, **named), reserved, sequence)


def read(*days: FeedDay) -> Any:
    return Calendar.from_ical(written(days, NOW))


def test_a_reserved_day_is_one_all_day_event_with_first_name_and_activity_alone() -> None:
    calendar = read(day())
    assert (calendar["VERSION"], calendar["X-WR-TIMEZONE"]) == ("2.0", "Europe/Paris")
    [event] = calendar.events
    assert {name: event.decoded(name) for name in event if name != "UID"} == {
        "DTSTAMP": NOW,
        "SEQUENCE": 1,
        "STATUS": "CONFIRMED",
        "DTSTART": date(2026, 12, 1),
        "DTEND": date(2026, 12, 2),
        "SUMMARY": "Inès : Cantine",
        "TRANSP": "TRANSPARENT",
    }


def test_a_day_given_up_is_the_same_event_cancelled_in_a_later_sequence() -> None:
    [before], [after] = read(day()).events, read(day(reserved=False, sequence=2)).events
    assert before["UID"] == after["UID"]
    assert (before["SEQUENCE"], before["STATUS"]) == (1, "CONFIRMED")
    assert (after["SEQUENCE"], after["STATUS"]) == (2, "CANCELLED")


def test_each_child_activity_and_day_has_a_uid_of_its_own_that_names_none_of_them() -> None:
    events = read(day(), day(TOM), day(INES, WEDNESDAY), day(when=date(2026, 12, 2))).events
    uids = {event["UID"] for event in events}
    assert len(uids) == 4
    assert not any(str(one) in uid for one in (INES, TOM, CANTEEN, WEDNESDAY) for uid in uids)


def test_events_come_by_day_then_by_name_whatever_order_they_were_found_in() -> None:
    days = [day(TOM), day(when=date(2026, 11, 30)), day(INES)]
    assert written(days, NOW) == written(days[::-1], NOW)
    assert [(str(event["SUMMARY"]), event.start) for event in read(*days).events] == [
        ("Inès : Cantine", date(2026, 11, 30)),
        ("Inès : Cantine", date(2026, 12, 1)),
        ("Tom : Cantine", date(2026, 12, 1)),
    ]


def test_a_calendar_without_a_day_is_one_all_the_same() -> None:
    calendar = read()
    assert (calendar.events, [zone.tz_name for zone in calendar.timezones]) == ([], ["Europe/Paris"])


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=200).filter(str.strip),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
)
def test_whatever_a_name_holds_lines_are_folded_and_it_is_read_back(name: str, when: date) -> None:
    said = written([FeedDay(cell(when=when)._replace(activity_name=name), True, 1)], NOW)
    assert said.endswith(b"END:VCALENDAR\r\n")
    lines = said.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    [event] = Calendar.from_ical(said).events
    assert (event["SUMMARY"], event.start) == (f"Inès : {name}", when)


@pytest.mark.parametrize(
    ("traces", "reserved", "sequence"),
    [
        ([Trace(None, 1, None)], True, 1),
        ([Trace(INES, 2, None), Trace(TOM, 3, LATELY)], True, 5),
        ([Trace(INES, 2, LATELY), Trace(TOM, 3, LONG_AGO)], False, 5),
        ([Trace(INES, 4, None), Trace(INES, 4, LATELY)], True, 4),
        ([Trace(INES, 4, LONG_AGO), Trace(INES, 4, None)], True, 4),
    ],
    ids=["once", "booked again", "given up again", "revived", "revived long ago"],
)
def test_a_cell_is_told_by_all_that_left_a_trace_there(traces: list[Trace], reserved: bool, sequence: int) -> None:
    assert list(told([(cell(), trace) for trace in traces], NOW)) == [FeedDay(cell(), reserved, sequence)]


def test_what_was_given_up_long_ago_is_told_no_more() -> None:
    assert list(told([(cell(), Trace(INES, 4, LONG_AGO)), (cell(TOM), Trace(INES, 4, LATELY))], NOW)) == [
        FeedDay(cell(TOM), False, 4)
    ]
