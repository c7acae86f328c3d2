"""Who is offered a freed place, in which order, and until when."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from enrolment.waiting_list.rules import (
    Criterion,
    Waiting,
    count,
    impossible,
    offer_ends,
    order,
    refusal_to_wait,
    share_out,
)
from french.paris import PARIS, at
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
FAR = date(2035, 7, 9)


@dataclass(frozen=True)
class Week:
    min_age: int = 6
    max_age: int = 11
    dates: Sequence[date] = (date(2027, 4, 19), date(2027, 4, 20))
    booking_opens_at: datetime | None = None
    residents_open_at: datetime | None = None
    booking_closes_at: datetime = datetime(2027, 3, 28, tzinfo=UTC)
    activity_status: str = "open"


@dataclass(frozen=True)
class Child:
    first_name: str = "Inès"
    birth_date: date = date(2018, 1, 1)
    resident: bool = False


@dataclass(frozen=True)
class Dossier:
    status: str = "active"
    missing: Sequence[str] = ()


CRITERIA = (
    Criterion("habitant", "resident", 20, "L'enfant habite la commune"),
    Criterion("fratrie", "sibling", 10, "Un frère ou une sœur"),
    Criterion("handicap", "certified", 30, "Attesté"),
)


def waits(
    n: int, *, group: int | None = None, week: int = 1, minutes: int = 0, resident: bool = False, **facts: Any
) -> Waiting:
    given: dict[str, Any] = {
        "week": Week(),
        "child": Child(resident=resident),
        "dossier": Dossier(),
        "of_dossier": True,
        "busy": False,
        "sibling": False,
        "priorities": (),
    } | facts
    joined_at = NOW + timedelta(minutes=minutes)
    return Waiting(UUID(int=n), UUID(int=group or n), UUID(int=week), joined_at, **given)


def ids(*entries: int) -> list[list[UUID]]:
    return [[UUID(int=n)] for n in entries]


def test_points_come_first_then_the_time_of_joining() -> None:
    queue = [
        waits(1, minutes=3, resident=True),
        waits(2, minutes=2),
        waits(3, minutes=1),
        waits(4, minutes=9, sibling=True, priorities=("handicap",)),
        waits(5, minutes=0, resident=True, priorities=("other",)),
    ]
    found = order(queue, CRITERIA)
    assert [[one.id for one in group.entries] for group in found] == ids(4, 5, 1, 3, 2)
    assert [group.points for group in found] == [40, 20, 20, 0, 0]
    assert order(reversed(queue), CRITERIA) == found
    assert [[one.id for one in group.entries] for group in order(queue, ())] == ids(5, 3, 2, 1, 4)


def test_every_criterion_is_told_with_what_it_counts() -> None:
    counted = count(CRITERIA, [waits(1), waits(2, priorities=("handicap",))])
    assert [(one.code, one.met, one.points) for one in counted] == [
        ("habitant", False, 0),
        ("fratrie", False, 0),
        ("handicap", True, 30),
    ]
    assert counted[0].explanation == "L'enfant habite la commune"


def test_a_group_waits_for_all_its_places_and_the_next_that_fits_goes_first() -> None:
    pair, single = [waits(1, group=1), waits(2, group=1)], waits(3, minutes=5)
    queue = order([*pair, single], ())
    week = UUID(int=1)
    assert [group.entries[0].id for group in share_out(queue, {week: 1})] == [UUID(int=3)]
    assert [group.entries[0].id for group in share_out(queue, {week: 2})] == [UUID(int=1)]
    assert [group.entries[0].id for group in share_out(queue, {week: 3})] == [UUID(int=1), UUID(int=3)]
    assert share_out(queue, {week: 0}) == share_out(queue, {}) == []


def test_a_group_over_two_weeks_needs_a_place_in_each() -> None:
    queue = order([waits(1, group=1, week=1), waits(2, group=1, week=2)], ())
    assert share_out(queue, {UUID(int=1): 5}) == []
    assert share_out(queue, {UUID(int=1): 1, UUID(int=2): 1}) == queue


@pytest.mark.parametrize("dossier", [None, Dossier(missing=("insurance",))])
def test_an_incomplete_dossier_keeps_its_rank_and_lets_the_next_one_go_first(dossier: Dossier | None) -> None:
    queue = order([waits(1, dossier=dossier), waits(2, minutes=1)], ())
    assert [group.entries[0].id for group in share_out(queue, {UUID(int=1): 2})] == [UUID(int=2)]
    assert impossible(queue[0].entries[0], NOW) is None


@pytest.mark.parametrize(
    ("facts", "now", "words"),
    [
        ({"of_dossier": False}, NOW, "Inès n'est plus de votre dossier."),
        ({"busy": True}, NOW, "Inès a une autre réservation à ces dates."),
        ({"dossier": Dossier(status="archived")}, NOW, "Votre dossier est archivé : adressez-vous au guichet."),
        ({"child": Child(birth_date=date(2010, 1, 1))}, NOW, "Inès aura 17 ans"),
        ({}, at(date(2027, 4, 19), time()), "Cette semaine a déjà commencé"),
    ],
)
def test_what_has_become_impossible_is_said(facts: dict[str, Any], now: datetime, words: str) -> None:
    assert words in (impossible(waits(1, **facts), now) or "")
    assert impossible(waits(1), at(date(2027, 4, 18), time(23, 59))) is None


def test_the_list_goes_on_after_booking_has_closed_until_the_week_begins() -> None:
    week = Week()
    for now in (NOW, week.booking_closes_at, at(date(2027, 4, 18), time(23, 59))):
        assert refusal_to_wait(week, Child(), Dossier(), now) is None
        assert "incomplet" in (refusal_to_wait(week, Child(), Dossier(missing=("insurance",)), now) or "")
        assert "17 ans" in (refusal_to_wait(week, Child(birth_date=date(2010, 1, 1)), Dossier(), now) or "")
    assert "déjà commencé" in (refusal_to_wait(week, Child(), Dossier(), at(date(2027, 4, 19), time())) or "")


def paris(*moment: int) -> datetime:
    """In Paris; of the hour that autumn repeats, the first."""
    year, month, day, hour, minute = moment
    return at(date(year, month, day), time(hour, minute))


@pytest.mark.parametrize(
    ("offered", "hours", "ends"),
    [
        (paris(2027, 3, 1, 10, 0), 24, paris(2027, 3, 2, 10, 0)),
        (paris(2027, 3, 1, 20, 59), 24, paris(2027, 3, 2, 20, 59)),
        (paris(2027, 3, 1, 21, 0), 24, paris(2027, 3, 3, 9, 0)),
        (paris(2027, 3, 1, 3, 0), 24, paris(2027, 3, 2, 9, 0)),
        (paris(2027, 3, 1, 8, 59), 24, paris(2027, 3, 2, 9, 0)),
        (paris(2027, 3, 1, 9, 1), 24, paris(2027, 3, 2, 9, 1)),
        (paris(2027, 3, 1, 22, 30), 1, paris(2027, 3, 2, 9, 0)),
        # The clocks go forward on 28 March: 24 hours after 20:30 it is 21:30.
        (paris(2027, 3, 27, 20, 30), 24, paris(2027, 3, 29, 9, 0)),
        (paris(2027, 3, 27, 8, 30), 24, paris(2027, 3, 28, 9, 30)),
        # They go back on 31 October: 24 hours after 21:30 it is 20:30.
        (paris(2027, 10, 30, 21, 30), 24, paris(2027, 10, 31, 20, 30)),
        (paris(2027, 10, 30, 9, 30), 24, paris(2027, 10, 31, 9, 0)),
    ],
)
def test_no_offer_runs_out_at_night(offered: datetime, hours: int, ends: datetime) -> None:
    assert offer_ends(offered, hours, FAR) == ends


def test_an_offer_never_outlives_the_beginning_of_the_week() -> None:
    monday = date(2027, 4, 19)
    assert offer_ends(paris(2027, 4, 18, 10, 0), 24, monday) == paris(2027, 4, 19, 0, 0)
    assert offer_ends(paris(2027, 4, 18, 23, 59), 1, monday) == paris(2027, 4, 19, 0, 0)
    assert offer_ends(paris(2027, 4, 17, 10, 0), 24, monday) == paris(2027, 4, 18, 10, 0)


@given(st.integers(0, 5 * 365 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)), st.integers(1, 336))
def test_whenever_it_is_made_an_offer_stands_as_long_as_the_town_says_and_ends_by_day(
    offered: datetime, hours: int
) -> None:
    ends = offer_ends(offered, hours, FAR)
    assert timedelta(hours=hours) <= ends - offered <= timedelta(hours=hours + 13)  # the longest night
    assert time(9) <= ends.astimezone(PARIS).time() < time(21)
    assert offer_ends(offered + timedelta(minutes=1), hours, FAR) >= ends


@st.composite
def queues(draw: st.DrawFn) -> list[Waiting]:
    return [
        waits(
            n,
            group=draw(st.integers(1, n)),
            week=draw(st.integers(1, 3)),
            resident=draw(st.booleans()),
            dossier=draw(st.sampled_from([Dossier(), Dossier(missing=("insurance",))])),
        )
        for n in range(1, draw(st.integers(1, 12)) + 1)
    ]


@given(queues(), st.lists(st.integers(0, 4), min_size=3, max_size=3))
def test_nobody_is_passed_over_for_whom_it_was_enough_and_no_place_stays_that_somebody_could_have(
    queue: list[Waiting], places: list[int]
) -> None:
    groups = order(queue, CRITERIA)
    free = Counter({UUID(int=n): places[n - 1] for n in (1, 2, 3)})
    offered = share_out(groups, free)
    left = Counter(free)
    for group in groups:
        ready = all(entry.dossier is not None and not entry.dossier.missing for entry in group.entries)
        fits = all(left[week] >= wanted for week, wanted in group.places.items())
        assert (group in offered) == (ready and fits)
        if group in offered:
            left.subtract(group.places)
    assert min(left.values()) >= 0
    for group in groups:
        if group not in offered and all(not entry.dossier.missing for entry in group.entries if entry.dossier):
            assert any(left[week] < wanted for week, wanted in group.places.items())


def test_a_missing_fact_changes_nobody_elses_turn() -> None:
    first, second = waits(1), waits(2, minutes=1)
    assert order([first, replace(second, dossier=None)], ())[0].entries[0].id == first.id
