"""« Conserver en brouillon »: a guardian's own, shown over the month as it stands now, and over once validated."""

import asyncio
from datetime import date, datetime
from typing import Any

import pytest
from chassis.database import Database
from chassis.identifiers import new_id
from french.paris import PARIS
from planning.drafts import drafts
from planning.reservations.rules import ACTIVITY_CLOSED, FULL, UNKNOWN
from sqlalchemy import text

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, HOLIDAYS, WEDNESDAY, Desk, pointers, utc

MONDAY, TUESDAY, THURSDAY = (date(2026, 12, day) for day in (7, 8, 10))
FRIDAY_9 = datetime(2026, 12, 4, 9, tzinfo=PARIS)


@pytest.fixture
async def moreau(desk: Desk) -> Household:
    return await Household.enrolled(desk, "Inès", "Tom")


async def stored(database: Database) -> int:
    async with database.sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM drafts")) or 0)


async def test_a_draft_is_kept_and_shown_over_the_month_and_nothing_is_reserved(desk: Desk, moreau: Household) -> None:
    await moreau.reserve("Tom", CANTEEN, THURSDAY)
    assert (await moreau.planning())["draft"] is None
    wishes = moreau.wish("Inès", CANTEEN, MONDAY), moreau.wish("Tom", CANTEEN, THURSDAY, reserve=False)
    status, kept = await moreau.draft(*wishes)
    assert status == 200, kept
    assert (kept["month"], kept["kept_at"][:10]) == ("2026-12", "2026-11-25")
    untils = [utc("2026-12-04T09:00"), utc("2026-12-09T09:00")]
    assert kept["changes"] == [
        wish | {"change_until": until, "reason": None} for wish, until in zip(wishes, untils, strict=True)
    ]
    planning = await moreau.planning()
    assert planning["draft"] == {"kept_at": kept["kept_at"], "changes": kept["changes"]}
    assert await desk.reserved(moreau.children["Inès"]) == []
    assert await desk.reserved(moreau.children["Tom"]) == [(CANTEEN, THURSDAY)]
    assert await moreau.etag() == '"1"'
    assert len(planning["rows"]) == 4
    one = await moreau.planning(child_id=moreau.children["Tom"])
    assert [day["date"] for day in one["draft"]["changes"]] == [str(THURSDAY)]


async def test_a_draft_takes_the_place_of_the_months_before_and_of_no_other_months(
    desk: Desk, moreau: Household
) -> None:
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY))
    await moreau.draft(moreau.wish("Inès", CANTEEN, date(2027, 1, 7)), month="2027-01")
    await moreau.draft(moreau.wish("Inès", CANTEEN, TUESDAY))
    assert (await moreau.drafted(), await moreau.drafted("2027-01")) == ({str(TUESDAY): None}, {"2027-01-07": None})
    assert [await moreau.drop_draft() for _ in range(2)] == [204, 204]
    assert (await moreau.drafted(), await moreau.drafted("2027-01")) == (None, {"2027-01-07": None})


async def test_a_draft_is_its_guardians_alone_and_of_the_dossier_they_are_of(desk: Desk, moreau: Household) -> None:
    await moreau.draft(moreau.wish("Tom", CANTEEN, MONDAY))
    other = await moreau.shared("Tom")
    assert await moreau.drafted() == {str(MONDAY): None}
    for anybody in ({"account_id": new_id()}, {"role": "agent", "account_id": new_id()}):
        assert await moreau.drafted(**anybody) is None
    assert await other.drafted() is None
    other.account_id = moreau.account_id  # the same person, now of the other dossier
    assert await other.drafted() is None
    assert (await other.validate())[1]["type"] == "urn:problem:planning:no-draft"
    await other.draft(other.wish("Tom", CANTEEN, TUESDAY))
    assert (await other.drafted(), await moreau.drafted()) == ({str(TUESDAY): None}, None)


async def test_what_cannot_be_validated_any_more_says_why(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    days = {day: moreau.wish("Inès", CANTEEN, day) for day in (MONDAY, TUESDAY, THURSDAY)}
    closing = moreau.wish("Tom", WEDNESDAY, date(2026, 12, 16))
    await moreau.draft(*days.values(), closing)
    assert await moreau.drafted() == dict.fromkeys([*map(str, days), "2026-12-16"])
    await (await Household.enrolled(desk, "Awa", site_id=moreau.site_id)).reserve("Awa", CANTEEN, TUESDAY)
    await desk.close_activity(WEDNESDAY)
    desk.now_is(FRIDAY_9)
    said = await moreau.drafted() or {}
    assert (said[str(MONDAY)] or "").startswith("Délai de réservation dépassé depuis vendredi 4 décembre")
    assert (said[str(TUESDAY)], said[str(THURSDAY)], said["2026-12-16"]) == (FULL.reason, None, ACTIVITY_CLOSED)


async def test_what_is_so_by_now_is_no_fault_of_the_draft(desk: Desk, moreau: Household) -> None:
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY), moreau.wish("Tom", CANTEEN, MONDAY, reserve=False))
    await moreau.reserve("Inès", CANTEEN, MONDAY)
    desk.now_is(FRIDAY_9)
    assert await moreau.drafted() == {str(MONDAY): None}
    assert (await moreau.validate())[0] == 200
    assert await moreau.drafted() is None


async def test_a_draft_of_a_child_who_is_not_enrolled_any_more_stays_and_adds_no_row(
    desk: Desk, moreau: Household
) -> None:
    await moreau.draft(moreau.wish("Tom", CANTEEN, TUESDAY), moreau.wish("Inès", HOLIDAYS, THURSDAY))
    await moreau.withdraw("Tom", CANTEEN, valid_to=date(2026, 11, 30))
    planning = await moreau.planning()
    assert [(row["child_first_name"], row["activity_name"]) for row in planning["rows"]] == [
        ("Inès", "Accueil du mercredi"),
        ("Inès", "Restauration scolaire"),
        ("Tom", "Accueil du mercredi"),
    ]
    reasons = [one["reason"] for one in planning["draft"]["changes"]]
    assert reasons[0].startswith("Hors de la période d'inscription")
    assert "rubrique Inscription" in reasons[1]


async def test_a_child_who_left_the_dossier_is_not_told_of(desk: Desk, moreau: Household) -> None:
    await moreau.draft(moreau.wish("Tom", CANTEEN, TUESDAY))
    await moreau.tell_child("Tom", new_id(), version=2)
    assert await moreau.drafted() == {str(TUESDAY): UNKNOWN}
    status, problem = await moreau.validate()
    assert (status, problem["errors"]) == (404, [{"pointer": "/changes/0", "detail": UNKNOWN}])


async def test_the_draft_is_validated_by_itself_and_is_over(desk: Desk, moreau: Household) -> None:
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY), moreau.wish("Tom", CANTEEN, TUESDAY))
    seen = await moreau.etag()
    first = await moreau.validate(key="k", seen=seen)
    assert (first[0], [one["date"] for one in first[1]["added"]]) == (200, [str(MONDAY), str(TUESDAY)])
    assert await moreau.drafted() is None
    assert await moreau.validate(key="k", seen=seen) == first
    status, problem = await moreau.validate()
    assert (status, problem["type"]) == (409, "urn:problem:planning:no-draft")
    status, problem = await moreau.validate(role="agent")
    assert (status, pointers(problem)) == (422, ["/changes"])


async def test_a_refused_draft_names_its_cells_and_is_kept(desk: Desk, moreau: Household) -> None:
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY), moreau.wish("Tom", WEDNESDAY, date(2026, 12, 9)))
    await desk.close_activity(WEDNESDAY)
    status, problem = await moreau.validate()
    assert (status, problem["type"]) == (409, "urn:problem:planning:cells-refused")
    [error] = problem["errors"]
    assert (error["pointer"], error["date"], error["detail"]) == ("/changes/1", "2026-12-09", ACTIVITY_CLOSED)
    assert await desk.reserved(moreau.children["Inès"]) == []
    assert len(await moreau.drafted() or ()) == 2
    ines = moreau.wish("Inès", CANTEEN, MONDAY)
    assert (await moreau.validate(ines, attempt_id=problem["attempt_id"]))[0] == 200
    assert await moreau.drafted() == {"2026-12-09": ACTIVITY_CLOSED}


async def test_other_changes_of_its_guardian_end_it_for_their_children_and_the_desks_do_not(
    desk: Desk, moreau: Household
) -> None:
    ines, tom = (moreau.wish(name, CANTEEN, MONDAY) for name in ("Inès", "Tom"))
    await moreau.draft(ines, moreau.wish("Inès", CANTEEN, THURSDAY), tom)
    assert (await moreau.validate(tom, role="agent"))[0] == 200
    assert len((await moreau.planning())["draft"]["changes"]) == 3
    assert (await moreau.validate(ines))[0] == 200
    assert (await moreau.planning())["draft"]["changes"][0]["child_id"] == tom["child_id"]
    assert await moreau.drafted() == {str(MONDAY): None}
    assert (await moreau.validate(tom))[0] == 200  # nothing to change: it was done at the desk
    assert await moreau.drafted() is None


async def test_a_validation_that_dies_leaves_the_draft(
    desk: Desk, moreau: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    from planning.reservations import changing

    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY))

    async def dies(*_: Any) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as killed:
        killed.setattr(changing, "write", dies)
        assert (await moreau.validate())[0] == 503
    assert await moreau.drafted() == {str(MONDAY): None}
    assert (await moreau.validate())[0] == 200


async def test_what_is_kept_while_an_older_draft_is_validated_stays(
    desk: Desk, moreau: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY))
    validated = drafts.validated

    async def another_tab_first(*given: Any) -> None:
        assert (await moreau.draft(moreau.wish("Inès", CANTEEN, TUESDAY)))[0] == 200
        await validated(*given)

    monkeypatch.setattr(drafts, "validated", another_tab_first)
    status, receipt = await moreau.validate()
    assert (status, [one["date"] for one in receipt["added"]]) == (200, [str(MONDAY)])
    assert await moreau.drafted() == {str(TUESDAY): None}


async def test_tabs_that_keep_and_validate_at_once_lose_no_update(desk: Desk, moreau: Household) -> None:
    days = [date(2026, 12, day) for day in (7, 8, 10, 11, 14, 15)]
    wishes = [moreau.wish("Inès", CANTEEN, day) for day in days]
    await moreau.draft(wishes[0])
    seen = await moreau.etag()
    other = await moreau.shared("Inès")
    answers = await asyncio.gather(
        moreau.validate(seen=seen),
        moreau.validate(wishes[1], seen=seen),
        other.validate(other.wish("Inès", CANTEEN, days[2]), seen=seen),
        moreau.validate(wishes[3], seen=seen, role="agent"),
        moreau.draft(wishes[4]),
        moreau.draft(wishes[5]),
    )
    statuses = [status for status, _ in answers]
    # The draft may be over, by another's validation, before its own is looked at.
    assert sorted(statuses[:4]) in ([200, 412, 412, 412], [200, 409, 412, 412])
    assert statuses[4:] == [200, 200]
    assert len(await desk.reserved(moreau.children["Inès"])) == 1
    assert await moreau.etag() == '"1"'


async def test_bad_drafts_name_their_cell_and_the_one_before_stays(desk: Desk, moreau: Household) -> None:
    awa = await Household.enrolled(desk, "Awa")
    good = moreau.wish("Inès", CANTEEN, MONDAY)
    assert (await moreau.draft(good))[0] == 200
    wrong: list[tuple[list[Any], str]] = [
        ([good, good], "/changes/1/date"),
        ([good, good | {"reserve": False}], "/changes/1/date"),
        ([good, good | {"date": "2027-01-07"}], "/changes/1/date"),
        ([good, good | {"date": 20261207}], "/changes/1/date"),
        ([good, good | {"date": "9999-12-31"}], "/changes/1/date"),
        ([good, good | {"reserve": "yes"}], "/changes/1/reserve"),
        ([good, good | {"price": 0}], "/changes/1/price"),
        ([], "/changes"),
        ([good] * 10_000, "/changes"),
    ]
    for changes, pointer in wrong:
        status, problem = await moreau.draft(*changes)
        assert (status, pointers(problem)[0]) == (422, pointer)
    for month in ("2026-13", "9999-12", 202612, None):
        status, problem = await moreau.draft(good, month=month)
        assert (status, pointers(problem)) == (422, ["/month"]), month
    for month in ("2026-13", "9999-12", "202612"):
        assert await moreau.drop_draft(month) == 422
    for foreign in (awa.wish("Awa", CANTEEN, MONDAY), good | {"activity_id": str(new_id())}):
        status, problem = await moreau.draft(good | {"date": str(TUESDAY)}, foreign)
        assert (status, problem["errors"]) == (404, [{"pointer": "/changes/1", "detail": UNKNOWN}])
    status, problem = await moreau.draft(good, dossier_id=str(awa.dossier_id))
    assert (status, pointers(problem)) == (422, ["/dossier_id"])
    assert await moreau.drafted() == {str(MONDAY): None}


async def test_only_a_guardian_of_a_dossier_keeps_drafts(desk: Desk, moreau: Household) -> None:
    wish = moreau.wish("Inès", CANTEEN, MONDAY)
    for role in ("agent", "cashier", "administrator", "site_staff", "integrator"):
        assert ((await moreau.draft(wish, role=role))[0], await moreau.drop_draft(role=role)) == (403, 403), role
    claims: dict[str, Any] = {"dossier_id": str(moreau.dossier_id), "guardian_id": None}
    for of_nobody in (claims, {"guardian_id": str(new_id())}):
        headers = {"Authorization": f"Bearer {desk.signer.token('guardian', **of_nobody)}"}
        body = {"month": "2026-12", "changes": [wish]}
        async with desk.client.put("/v1/plannings/draft", json=body, headers=headers) as answer:
            assert answer.status == 403
    assert await stored(desk.database) == 0
    assert (await moreau.draft(wish))[0] == 200


async def test_a_month_with_a_draft_is_read_by_four_queries_at_most(desk: Desk, moreau: Household) -> None:
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY), moreau.wish("Tom", HOLIDAYS, TUESDAY))
    asked = await desk.statements(moreau.planning(child_id=moreau.children["Inès"]))
    assert 1 < len(asked) <= 4, asked
