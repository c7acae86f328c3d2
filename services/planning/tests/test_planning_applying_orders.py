"""Whatever is asked of an enrolment, in whatever order its versions are heard: against a model of what is true."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from contracts.enrolment import UsualWeek
from contracts.planning import EnrolmentApplied, ReservationsChanged
from french.calendar import DAY
from french.paris import PARIS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planning.deadlines.rules import WEEKDAYS, Rules, TownCalendar, of_day, span, still_open, why_none

from services.planning.tests.families import Household
from services.planning.tests.town import BRIDGE, CANTEEN, CANTEEN_RULES, Desk
from tests.builders import changed, published

RULES = Rules.model_validate(CANTEEN_RULES)
CALENDAR = TownCalendar("C", {date.fromisoformat(BRIDGE["date"]): BRIDGE["name"]})
BEGIN = datetime(2026, 11, 25, 8, tzinfo=PARIS)

WISHES = st.lists(
    st.tuples(
        st.sets(st.sampled_from(WEEKDAYS[:5]), min_size=1, max_size=4),
        st.integers(0, 12),  # days from asking to its first
        st.integers(0, 30),  # and on to its last
        st.integers(0, 60),  # hours since the one before
    ),
    max_size=3,
)
LEAVING = st.none() | st.tuples(st.integers(0, 20), st.integers(0, 60))


def reserved(weeks: Sequence[UsualWeek], left: tuple[date, datetime] | None) -> list[date]:
    """The model: one after the other, each by its own moment."""
    asked = [(one.valid_from, one.valid_to, one.days, one.asked_at) for one in weeks]
    if left:
        asked.append((left[0] + DAY, date(2027, 8, 31), (), left[1]))
    held = set[date]()
    for first, last, days, at in asked:
        for day in span(first, last):
            if WEEKDAYS[day.weekday()] in days:
                if why_none(RULES, CALENDAR, day) is None and still_open(of_day(RULES, CALENDAR, day).booking, at):
                    held.add(day)
            elif still_open(of_day(RULES, CALENDAR, day).cancellation, at):
                held.discard(day)
    return sorted(held)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=WISHES, leaving=LEAVING, orders=st.data())
async def test_the_same_days_are_reserved_as_if_each_had_been_heard_at_once(
    desk: Desk, wishes: Sequence[Any], leaving: tuple[int, int] | None, orders: st.DataObject
) -> None:
    household = await Household.enrolled(desk, "Léa")
    enrolment, at = household.enrolments["Léa", CANTEEN], BEGIN
    weeks: list[UsualWeek] = []
    versions = []
    for number, (days, until_first, until_last, hours) in enumerate(wishes, 1):
        at += timedelta(hours=hours)
        first = at.date() + until_first * DAY
        weeks.append(household.week(number, *days, first=first, last=first + until_last * DAY, at=at))
        versions.append(changed(enrolment, version=1 + number, usual_weeks=weeks))
    left = None
    if leaving:
        at += timedelta(hours=leaving[1])
        left = (at.date() + (leaving[0] - 1) * DAY, at)
        end: dict[str, Any] = {"valid_to": left[0], "withdrawn_at": at, "status": "withdrawn"}
        by = household.week(1, "monday", first=left[0], last=left[0]).asked_by
        versions.append(changed(enrolment, version=9, usual_weeks=weeks, withdrawn_by=by, **end))
    heard = orders.draw(st.lists(st.sampled_from(versions), max_size=4)) if versions else []
    await desk.hear(*heard, *orders.draw(st.permutations(versions)))
    expected = reserved(weeks, left)
    assert [day for _, day in await desk.reserved(household.children["Léa"])] == expected
    # What is told is the same: billing's copy of each month, and the last answer.
    told = {
        event.month: [day.date for day in event.days]
        for event in await published(desk.owner, ReservationsChanged)
        if event.child_id == household.children["Léa"]
    }
    assert sorted(day for days in told.values() for day in days) == expected
    answers = [
        one for one in await published(desk.owner, EnrolmentApplied) if one.enrolment_id == enrolment.enrolment_id
    ]
    assert answers[-1].version == max([one.version for one in versions], default=1)
    assert set(answers[-1].reserved) | set(answers[-1].still_due) <= set(expected)
