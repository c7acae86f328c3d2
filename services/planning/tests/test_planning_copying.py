"""Copying a week: what would have to change for others to be like it, proposed and never done."""

from datetime import date, datetime
from typing import Any

import pytest
from chassis.identifiers import new_id
from french.paris import PARIS
from planning.reservations.rules import FULL, NOT_ENROLLED, UNKNOWN_CHILD

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, WEDNESDAY, Desk, pointers

MONDAY, TUESDAY, THURSDAY = (date(2026, 12, day) for day in (7, 8, 10))
WEEK, NEXT, CHRISTMAS, NEW_YEAR = "2026-12-07", "2026-12-14", "2026-12-21", "2027-01-04"


@pytest.fixture
async def moreau(desk: Desk) -> Household:
    family = await Household.enrolled(desk, "Inès", "Tom")
    await family.reserve("Inès", CANTEEN, MONDAY, THURSDAY)
    await family.reserve("Inès", WEDNESDAY, date(2026, 12, 9))
    await family.reserve("Tom", CANTEEN, TUESDAY)
    return family


def named(moreau: Household, wishes: list[Any]) -> list[tuple[str, str, str]]:
    """Child, day, and + or - for each."""
    names = {str(child_id): name for name, child_id in moreau.children.items()}
    return [(names[one["child_id"]], one["date"], "+" if one["reserve"] else "-") for one in wishes]


async def test_a_week_is_proposed_for_others_with_what_is_reserved_and_what_is_not(
    desk: Desk, moreau: Household
) -> None:
    await moreau.reserve("Inès", CANTEEN, date(2026, 12, 14), date(2026, 12, 15))
    status, found = await moreau.copy_week("Inès", "Tom", week=WEEK, to=[NEXT])
    assert (status, found["refused"]) == (200, [])
    assert named(moreau, found["changes"]) == [
        ("Inès", "2026-12-16", "+"),
        ("Inès", "2026-12-15", "-"),
        ("Inès", "2026-12-17", "+"),
        ("Tom", "2026-12-15", "+"),
    ]
    assert await moreau.etag() == '"4"'
    assert (await moreau.planning())["draft"] is None
    # What is proposed is a draft, or a validation.
    assert (await moreau.draft(*found["changes"]))[0] == 200
    assert (await moreau.validate(*found["changes"]))[0] == 200
    again = await moreau.copy_week("Inès", "Tom", week=WEEK, to=[NEXT])
    assert again == (200, {"changes": [], "refused": []})


async def test_only_the_children_that_are_asked_for_and_any_day_of_a_week(desk: Desk, moreau: Household) -> None:
    found = [
        await moreau.copy_week("Tom", week=week, to=[to], role=role)
        for week, to, role in (
            (WEEK, NEXT, "guardian"),
            ("2026-12-13", "2026-12-20", "guardian"),
            (WEEK, NEXT, "agent"),
        )
    ]
    assert found[0] == found[1] == found[2]
    assert named(moreau, found[0][1]["changes"]) == [("Tom", "2026-12-15", "+")]


async def test_weeks_of_other_months_are_copied_to_and_what_cannot_be_had_says_why(
    desk: Desk, moreau: Household
) -> None:
    await desk.close_town(date(2027, 1, 7))
    status, found = await moreau.copy_week("Inès", week=WEEK, to=[NEW_YEAR, CHRISTMAS])
    assert status == 200
    assert named(moreau, found["changes"]) == [("Inès", "2027-01-06", "+"), ("Inès", "2027-01-04", "+")]
    assert [(one["date"], one["reason"]) for one in found["refused"]] == [
        ("2026-12-23", "Vacances scolaires (Vacances de Noël)."),
        ("2027-01-07", "Fermé par la ville (Grève)."),
        ("2026-12-21", "Vacances scolaires (Vacances de Noël)."),
        ("2026-12-24", "Vacances scolaires (Vacances de Noël)."),
    ]


async def test_what_is_too_late_or_full_or_without_enrolment_is_refused(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    await (await Household.enrolled(desk, "Awa", site_id=moreau.site_id)).reserve("Awa", CANTEEN, date(2026, 12, 17))
    await moreau.withdraw("Inès", WEDNESDAY, valid_to=date(2026, 12, 11))
    desk.now_is(datetime(2026, 12, 11, 9, tzinfo=PARIS))  # the deadline of the next Monday
    _, found = await moreau.copy_week("Inès", week=WEEK, to=[NEXT, NEW_YEAR])
    said = {one["date"]: one["reason"] for one in found["refused"]}
    assert said["2026-12-14"].startswith("Délai de réservation dépassé")
    assert said["2026-12-16"].startswith("Hors de la période d'inscription")
    assert (said["2026-12-17"], said["2027-01-06"]) == (FULL.reason, NOT_ENROLLED)
    assert named(moreau, found["changes"]) == [("Inès", "2027-01-04", "+"), ("Inès", "2027-01-07", "+")]


async def test_the_guardians_draft_lies_over_both_weeks_and_nobody_elses(desk: Desk, moreau: Household) -> None:
    tuesday, next_monday = moreau.wish("Inès", CANTEEN, TUESDAY), moreau.wish("Inès", CANTEEN, date(2026, 12, 14))
    gone = moreau.wish("Inès", CANTEEN, THURSDAY, reserve=False)
    next_friday = moreau.wish("Inès", CANTEEN, date(2026, 12, 18))
    await moreau.draft(tuesday, gone, next_monday, next_friday)
    _, found = await moreau.copy_week("Inès", week=WEEK, to=[NEXT])
    # Monday is drafted already; Friday's tick is taken back.
    expected = [("Inès", "2026-12-16", "+"), ("Inès", "2026-12-15", "+"), ("Inès", "2026-12-18", "-")]
    assert named(moreau, found["changes"]) == expected
    _, found = await moreau.copy_week("Inès", week=WEEK, to=[NEXT], role="agent")
    expected = [("Inès", "2026-12-16", "+"), ("Inès", "2026-12-14", "+"), ("Inès", "2026-12-17", "+")]
    assert named(moreau, found["changes"]) == expected


async def test_a_day_on_which_nothing_takes_place_says_nothing_of_others(desk: Desk, moreau: Household) -> None:
    await moreau.reserve("Inès", CANTEEN, date(2026, 12, 18))
    await desk.close_town(date(2026, 12, 11))
    _, found = await moreau.copy_week("Inès", week=WEEK, to=[NEXT])
    assert "2026-12-18" not in {one["date"] for one in found["changes"]}


async def test_bad_copies_name_their_field(desk: Desk, moreau: Household) -> None:
    for body, pointer in (
        ({"to": []}, "/to_weeks"),
        ({"to": [NEXT, "2026-12-15"]}, "/to_weeks"),
        ({"to": [NEXT, "2026-12-08"]}, "/to_weeks/1"),
        ({"to": [20261214]}, "/to_weeks/0"),
        ({"to": ["2026-12-32"]}, "/to_weeks/0"),
        ({"to": [NEXT] * 10_000}, "/to_weeks"),
        ({"week": "9999-12-31"}, "/week"),
        ({"week": None}, "/week"),
        ({"child_ids": []}, "/child_ids"),
        ({"child_ids": [7]}, "/child_ids/0"),
        ({"override_reason": "x"}, "/override_reason"),
        ({"dossier_id": str(new_id())}, "/dossier_id"),
    ):
        asked: dict[str, Any] = {"week": WEEK, "to": [NEXT]} | body
        status, problem = await moreau.copy_week("Inès", **asked)
        assert (status, pointers(problem)) == (422, [pointer]), body
    for first, last in (("2000-01-01", "2099-12-31"), ("2099-12-31", "2000-01-01")):
        assert (await moreau.copy_week("Inès", week=first, to=[last]))[0] == 200
    status, problem = await moreau.copy_week("Inès", week=WEEK, to=[NEXT], role="agent", dossier_id=None)
    assert (status, pointers(problem)) == (422, ["/dossier_id"])


async def test_another_familys_child_is_not_found(desk: Desk, moreau: Household) -> None:
    awa = await Household.enrolled(desk, "Awa")
    for stranger in (awa.children["Awa"], new_id()):
        ids = [str(moreau.children["Inès"]), str(stranger)]
        for role in ("guardian", "agent"):
            status, problem = await moreau.copy_week(week=WEEK, to=[NEXT], child_ids=ids, role=role)
            assert (status, problem["errors"]) == (404, [{"pointer": "/child_ids/1", "detail": UNKNOWN_CHILD}])
