"""Split custody: whose each day is, and what either family sees, changes and is charged with."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from chassis.identifiers import new_id
from contracts.dossier import ChildChanged, Custody, CustodyException, CustodyPattern
from contracts.planning import NoticeWritten, ReservationsChanged
from french.calendar import DAY
from hypothesis import given
from hypothesis import strategies as st
from planning.reservations.rules import OTHER_FAMILY, is_others, whose

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, Desk
from tests.builders import published, sample

MOTHER, FATHER = new_id(), new_id()
DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
#: Of the weeks from 7 December on the even ones are the first family's; each Wednesday is.
MONDAY, TUESDAY, WEDNESDAY = date(2026, 12, 7), date(2026, 12, 8), date(2026, 12, 9)
NEXT_MONDAY = MONDAY + 7 * DAY
SAID = OTHER_FAMILY.reason


def alternating(first: UUID, second: UUID, since: date = MONDAY, **more: Any) -> Custody:
    return Custody(patterns=(CustodyPattern(valid_from=since, days=(first,) * 7 + (second,) * 7),), **more)


@st.composite
def calendars(draw: st.DrawFn) -> Custody:
    days = st.one_of(*(st.tuples(*[st.sampled_from([MOTHER, FATHER])] * length) for length in (7, 14)))
    since = sorted(draw(st.sets(DAYS, min_size=1, max_size=3)))
    ends = sorted(draw(st.sets(DAYS, max_size=4)))
    return Custody(
        patterns=tuple(CustodyPattern(valid_from=one, days=draw(days)) for one in since),
        exceptions=tuple(
            CustodyException(first_day=first, last_day=last, dossier_id=draw(st.sampled_from([MOTHER, FATHER])))
            for first, last in zip(ends[::2], ends[1::2], strict=False)
        ),
    )


@given(calendars(), DAYS)
def test_each_day_of_a_calendar_is_of_exactly_one_family(custody: Custody, day: date) -> None:
    begun = day >= custody.patterns[0].valid_from or whose(custody, day) is not None
    assert begun is (is_others(custody, day, MOTHER) is not is_others(custody, day, FATHER))


@given(calendars(), DAYS)
def test_a_pattern_comes_again_until_the_next(custody: Custody, day: date) -> None:
    last = custody.patterns[-1]
    quiet = Custody(patterns=custody.patterns)
    if day >= last.valid_from:
        assert whose(quiet, day) == whose(quiet, day + timedelta(days=len(last.days)))
        assert whose(quiet, day) in last.days


def test_weeks_alternate_from_a_day_in_the_middle_of_one() -> None:
    custody = alternating(MOTHER, FATHER, since=WEDNESDAY)
    of = [whose(custody, MONDAY + n * DAY) for n in range(28)]
    assert of == [None] * 2 + [MOTHER] * 5 + [FATHER] * 7 + [MOTHER] * 7 + [FATHER] * 7


def test_an_exception_goes_before_the_pattern() -> None:
    exception = CustodyException(first_day=TUESDAY, last_day=WEDNESDAY, dossier_id=FATHER)
    custody = alternating(MOTHER, FATHER, exceptions=(exception,))
    assert [whose(custody, MONDAY + n * DAY) for n in range(4)] == [MOTHER, FATHER, FATHER, MOTHER]


async def calendar(desk: Desk, mother: Household, father: Household, custody: Custody | None, version: int = 3) -> None:
    child = sample(
        ChildChanged,
        version=version,
        child_id=mother.children["Tom"],
        dossier_ids=(mother.dossier_id, father.dossier_id),
        first_name="Tom",
        birth_date=date(2018, 5, 1),
        custody=custody,
    )
    for _ in range(2):
        await desk.hear(child)


async def separated(desk: Desk) -> tuple[Household, Household]:
    mother = await Household.enrolled(desk, "Tom")
    father = await mother.shared("Tom")
    await calendar(desk, mother, father, alternating(mother.dossier_id, father.dossier_id))
    return mother, father


async def cells(household: Household, *days: date) -> list[tuple[str, bool, str | None]]:
    (row,) = [one for one in (await household.planning())["rows"] if one["activity_id"] == str(CANTEEN)]
    found = {one["date"]: one for one in row["cells"]}
    return [(one["status"], one["can_change"], one["reason"]) for one in (found[str(day)] for day in days)]


async def test_each_parent_sees_and_changes_the_days_of_theirs_only(desk: Desk) -> None:
    mother, father = await separated(desk)
    theirs = ("closed", False, SAID)
    assert (await mother.validate(mother.wish("Tom", CANTEEN, MONDAY)))[0] == 200
    assert await cells(mother, MONDAY, NEXT_MONDAY) == [("reserved", True, None), theirs]
    assert await cells(father, MONDAY, NEXT_MONDAY) == [theirs, ("open", True, None)]
    # Whether it is reserved or not, no word of it is told.
    for reserve in (True, False):
        for day in (MONDAY, TUESDAY):
            status, refused = await father.validate(father.wish("Tom", CANTEEN, day, reserve=reserve))
            assert (status, refused["errors"][0]["detail"]) == (409, SAID)
    assert (await father.validate(father.wish("Tom", CANTEEN, NEXT_MONDAY)))[0] == 200
    asked = father.wish("Tom", CANTEEN, MONDAY, reserve=False), father.wish("Tom", CANTEEN, NEXT_MONDAY, reserve=False)
    await father.draft(*asked)
    assert await father.drafted() == {str(MONDAY): SAID, str(NEXT_MONDAY): None}
    await father.drop_draft()
    _, copied = await father.copy_week("Tom", week=str(NEXT_MONDAY), to=[str(MONDAY), "2026-12-28"])
    assert {(one["date"], one["reason"]) for one in copied["refused"] if one["date"] < "2026-12-14"} == {
        (str(MONDAY), SAID)
    }
    # The desk acts for one of them, and as they may.
    status, _ = await mother.validate(
        mother.wish("Tom", CANTEEN, NEXT_MONDAY, reserve=False), role="agent", override_reason="Demande du père"
    )
    assert status == 409
    days = [day for event in await published(desk.database, ReservationsChanged) for day in event.days]
    assert {(one.date, one.dossier_id) for one in days} == {
        (MONDAY, mother.dossier_id),
        (NEXT_MONDAY, father.dossier_id),
    }


async def test_nothing_of_the_other_familys_days_is_told(desk: Desk) -> None:
    mother, father = await separated(desk)
    await mother.validate(mother.wish("Tom", CANTEEN, MONDAY))
    await father.validate(father.wish("Tom", CANTEEN, NEXT_MONDAY))
    for household, own, other in ((mother, MONDAY, NEXT_MONDAY), (father, NEXT_MONDAY, MONDAY)):
        _, page = await household.history()
        assert [one["reserved"] for one in page["items"]] == [[str(own)]]
        (told,) = [
            one for one in await published(desk.database, NoticeWritten) if one.dossier_id == household.dossier_id
        ]
        assert str(own.day) in told.paragraphs[1]
        assert str(other.day) not in told.paragraphs[1]
    _, first = await mother.history(limit=1)
    assert len(first["items"]) == 1


async def test_a_usual_week_is_of_the_days_of_who_asks(desk: Desk) -> None:
    mother, father = await separated(desk)
    await mother.usual_week("Tom", CANTEEN, "monday", first=MONDAY)
    assert [status for status, *_ in await cells(mother, MONDAY, NEXT_MONDAY)] == ["reserved", "closed"]
    assert [status for status, *_ in await cells(father, MONDAY, NEXT_MONDAY)] == ["closed", "open"]
    # The child's enrolment ends for both.
    assert (await father.validate(father.wish("Tom", CANTEEN, NEXT_MONDAY)))[0] == 200
    await mother.withdraw("Tom", CANTEEN, MONDAY - DAY)
    last = (await published(desk.database, ReservationsChanged))[-1]
    assert last.days == ()


async def test_days_are_charged_to_whom_a_new_calendar_gives_them(desk: Desk) -> None:
    mother, father = await separated(desk)
    await mother.validate(mother.wish("Tom", CANTEEN, MONDAY), mother.wish("Tom", CANTEEN, TUESDAY))
    before = await mother.versions(), await father.versions()
    swapped = alternating(
        father.dossier_id,
        mother.dossier_id,
        exceptions=(CustodyException(first_day=TUESDAY, last_day=TUESDAY, dossier_id=mother.dossier_id),),
    )
    await calendar(desk, mother, father, swapped, version=4)
    last = (await published(desk.database, ReservationsChanged))[-1]
    assert [(one.date, one.dossier_id) for one in last.days] == [
        (MONDAY, father.dossier_id),
        (TUESDAY, mother.dossier_id),
    ]
    assert [status for status, *_ in await cells(father, MONDAY, TUESDAY)] == ["reserved", "closed"]
    assert (await mother.versions(), await father.versions()) != before
    told = [one for one in await published(desk.database, NoticeWritten) if one.title.startswith("Garde de Tom")]
    assert {(one.dossier_id, one.title) for one in told} == {
        (father.dossier_id, "Garde de Tom : 1 jour réservé, désormais à votre charge"),
        (mother.dossier_id, "Garde de Tom : 1 jour réservé, désormais à la charge de l'autre dossier de l'enfant"),
    }
    assert (await father.validate(father.wish("Tom", CANTEEN, MONDAY, reserve=False)))[0] == 200


async def test_days_go_with_a_child_that_leaves_a_dossier(desk: Desk) -> None:
    mother, father = await separated(desk)
    await mother.validate(mother.wish("Tom", CANTEEN, MONDAY))
    facts = {"child_id": mother.children["Tom"], "dossier_ids": (father.dossier_id,)}
    await desk.hear(sample(ChildChanged, version=5, first_name="Tom", birth_date=date(2018, 5, 1), **facts))
    last = (await published(desk.database, ReservationsChanged))[-1]
    assert [(one.date, one.dossier_id) for one in last.days] == [(MONDAY, father.dossier_id)]
