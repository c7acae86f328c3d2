"""The history of a family's month: who, what, when, and why; the newest first, page by page."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from chassis.identifiers import new_id
from french.paris import PARIS

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, WEDNESDAY, Desk, pointers

MONDAY, TUESDAY, THURSDAY, WEDNESDAY_9 = (date(2026, 12, day) for day in (7, 8, 10, 9))
MORNING = datetime(2026, 11, 25, 10, tzinfo=PARIS)
DESK: dict[str, Any] = {"role": "agent", "account_id": new_id(), "override_reason": "Hospitalisation de la mère"}


@pytest.fixture
async def moreau(desk: Desk) -> Household:
    return await Household.enrolled(desk, "Inès", "Tom")


async def entries(household: Household, **asked: Any) -> list[Any]:
    status, page = await household.history(**asked)
    assert (status, page["next_cursor"]) == (200, None), page
    return list(page["items"])


async def test_each_change_is_there_with_who_what_and_when(desk: Desk, moreau: Household) -> None:
    assert await entries(moreau) == []
    monday, tuesday = (moreau.wish("Inès", CANTEEN, day) for day in (MONDAY, TUESDAY))
    assert (await moreau.validate(tuesday, monday))[0] == 200
    desk.now_is(MORNING + timedelta(hours=1))
    assert (await moreau.validate(monday | {"reserve": False}, account_id=new_id()))[0] == 200
    desk.now_is(MORNING + timedelta(hours=2))
    assert (await moreau.validate(monday, **DESK))[0] == 200
    found = await entries(moreau)
    assert [(one["at"][11:13], one["reserved"], one["cancelled"]) for one in found] == [
        ("11", [str(MONDAY)], []),
        ("10", [], [str(MONDAY)]),
        ("09", [str(MONDAY), str(TUESDAY)], []),
    ]
    assert [(one["by"], one["name"], one["reason"]) for one in found] == [
        ("desk", "Ada Petit", "Hospitalisation de la mère"),
        ("family", None, None),
        ("you", None, None),
    ]
    assert {(one["child_first_name"], one["activity_name"]) for one in found} == {("Inès", "Restauration scolaire")}
    assert [one["by"] for one in await entries(moreau, role="agent")] == ["desk", "family", "you"]  # one account here
    assert [one["by"] for one in await entries(moreau, role="agent", account_id=new_id())] == ["desk", *["family"] * 2]


async def test_one_validation_has_an_entry_a_child_and_activity_and_a_month_its_own(
    desk: Desk, moreau: Household
) -> None:
    wishes = [moreau.wish(name, CANTEEN, MONDAY) for name in ("Inès", "Tom")]
    assert (await moreau.validate(*wishes, moreau.wish("Tom", WEDNESDAY, WEDNESDAY_9)))[0] == 200
    assert len(await entries(moreau)) == 3
    assert len(await entries(moreau, child_id=moreau.children["Tom"])) == 2
    assert await entries(moreau, month="2027-01") == []


async def test_a_guardian_is_named_to_their_own_family_as_they_were_known_then(desk: Desk) -> None:
    mother = await Household.enrolled(desk, "Tom")
    father = await mother.shared("Tom")
    await mother.is_of(new_id(), mother.guardian_id)
    tom = mother.wish("Tom", CANTEEN, MONDAY)
    assert (await mother.validate(tom))[0] == 200
    await mother.is_of(version=2)
    assert (await mother.validate(tom | {"reserve": False}))[0] == 200
    assert [one["name"] for one in await entries(mother, account_id=new_id())] == [None, "Claire Moreau 2"]
    assert [one["name"] for one in await entries(father)] == [None, None]


async def test_pages_follow_each_other_and_nothing_is_missed_or_told_twice(desk: Desk, moreau: Household) -> None:
    for hour in range(3):
        desk.now_is(MORNING + timedelta(hours=hour))
        wishes = [moreau.wish(name, CANTEEN, MONDAY, reserve=hour != 1) for name in ("Inès", "Tom")]
        assert (await moreau.validate(*wishes))[0] == 200
    whole = [one["id"] for one in await entries(moreau)]
    assert len(set(whole)) == 6
    paged: list[str] = []
    cursor = None
    while True:
        status, page = await moreau.history(limit=4 if cursor is None else 1, cursor=cursor)
        assert status == 200
        paged += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        if len(paged) == 4:  # what is changed meanwhile is newer than what follows
            assert (await moreau.validate(moreau.wish("Inès", CANTEEN, THURSDAY)))[0] == 200
    assert paged == whole
    status, page = await moreau.history(cursor=new_id())
    assert (status, page["items"]) == (200, [])


async def test_the_other_family_of_a_child_is_told_what_became_of_its_days_and_no_reason(desk: Desk) -> None:
    mother = await Household.enrolled(desk, "Inès", "Tom")
    father = await mother.shared("Inès")
    wishes = [mother.wish(name, CANTEEN, MONDAY) for name in ("Inès", "Tom")]
    assert (await mother.validate(*wishes))[0] == 200
    assert (await mother.validate(mother.wish("Inès", CANTEEN, TUESDAY), **DESK))[0] == 200
    for role, account in (("guardian", None), ("agent", new_id())):
        told = await entries(father, role=role, account_id=account)
        assert [(one["by"], one["name"], one["reason"]) for one in told] == [
            ("desk", None, None),
            ("other_family", None, None),
        ]
    assert [one["reason"] for one in await entries(mother)] == [DESK["override_reason"], None, None]


async def test_a_child_who_left_leaves_what_the_family_did_and_takes_nothing_new_along(desk: Desk) -> None:
    mother = await Household.enrolled(desk, "Tom")
    assert (await mother.validate(mother.wish("Tom", CANTEEN, MONDAY)))[0] == 200
    father = await mother.shared("Tom")
    await mother.tell_child("Tom", father.dossier_id, version=3)
    assert (await father.validate(father.wish("Tom", CANTEEN, TUESDAY)))[0] == 200
    assert [one["reserved"] for one in await entries(mother)] == [[str(MONDAY)]]
    assert [one["by"] for one in await entries(father)] == ["you", "town", "other_family"]


async def test_another_familys_history_is_not_found(desk: Desk, moreau: Household) -> None:
    awa = await Household.enrolled(desk, "Awa")
    assert (await awa.validate(awa.wish("Awa", CANTEEN, MONDAY)))[0] == 200
    assert await entries(moreau) == []
    refused: list[dict[str, Any]] = [
        {"dossier_id": awa.dossier_id},
        {"child_id": awa.children["Awa"]},
        {"child_id": new_id()},
    ]
    for named in refused:
        assert (await moreau.history(**named))[0] == 404
    assert (await moreau.history(role="agent", child_id=awa.children["Awa"]))[0] == 404
    assert len(await entries(awa, role="agent")) == 1
    for role in ("cashier", "administrator", "site_staff", "integrator"):
        assert (await moreau.history(role=role))[0] == 403


async def test_bad_input_is_said(desk: Desk, moreau: Household) -> None:
    for month in ("2026-13", "9999-12", "202612"):
        status, problem = await moreau.history(month)
        assert (status, pointers(problem)) == (422, ["/query/month"])
    for query, pointer in (({"limit": 0}, "limit"), ({"limit": 201}, "limit"), ({"cursor": "x"}, "cursor")):
        status, problem = await moreau.history(**query)
        assert (status, pointers(problem)) == (422, [f"/query/{pointer}"])
    status, problem = await moreau.history(role="agent", dossier_id=None)
    assert (status, pointers(problem)) == (422, ["/query/dossier_id"])


async def test_what_follows_from_a_change_of_school_is_nobodys_and_says_so(desk: Desk, moreau: Household) -> None:
    other = await moreau.shared("Inès")
    await moreau.reserve("Inès", CANTEEN, MONDAY)
    await moreau.moves("Inès", CANTEEN, new_id())
    for family in (moreau, other):
        newest = (await entries(family))[0]
        said = (newest["by"], newest["name"], newest["reason"], newest["reserved"])
        assert said == ("town", None, "Changement de lieu d'accueil", [str(MONDAY)])
