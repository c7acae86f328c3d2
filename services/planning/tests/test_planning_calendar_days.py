"""The town's calendar: read and changed by administrators, with what a change does to deadlines."""

from typing import Any

import pytest
from planning.deadlines.models import ActivityRules, Calendar, ClosedDay
from sqlalchemy import delete, func, select

from services.planning.tests.town import BRIDGE, CANTEEN, CANTEEN_RULES, Desk, pointers

CHRISTMAS_EVE = {"date": "2026-12-17", "name": "Fermeture annuelle"}
NOBODY_ELSE = ("guardian", "agent", "cashier", "site_staff", "integrator")


async def calendar(desk: Desk) -> tuple[dict[str, Any], str]:
    status, answer, etag = await desk.ask("GET", "/calendar")
    assert status == 200
    return answer, etag


async def test_the_calendar_says_which_days_are_none_for_the_town(desk: Desk) -> None:
    answer, etag = await calendar(desk)
    assert etag == '"1"'
    assert (answer["school_zone"], answer["closed_days"]) == ("C", [BRIDGE])
    assert {"date": "2026-12-25", "name": "Noël"} in answer["public_holidays"]
    assert [one["date"][:4] for one in answer["public_holidays"]] == ["2026"] * 11 + ["2027"] * 11
    assert {"name": "Vacances de Noël", "from": "2026-12-19", "to": "2027-01-03"} in answer["school_holidays"]


async def test_an_administrator_closes_days_and_is_told_whose_deadlines_change(desk: Desk) -> None:
    _, etag = await calendar(desk)
    wanted = {"closed_days": [BRIDGE, CHRISTMAS_EVE]}
    status, answer, changed = await desk.ask("PUT", "/calendar", wanted, etag=etag)
    assert (status, changed) == (200, '"2"')
    assert await calendar(desk) == (answer["calendar"], changed)
    assert answer["calendar"]["closed_days"] == [CHRISTMAS_EVE, BRIDGE]
    day, next_day = answer["changes"]  # the canteen's; Wednesdays stay as they were
    assert (day["activity_id"], day["date"], day["after"]) == (str(CANTEEN), "2026-12-17", None)
    assert (next_day["date"], next_day["before"]["booking"]["until"][:10]) == ("2026-12-18", "2026-12-17")
    assert next_day["after"]["booking"]["until"][:10] == "2026-12-16"
    [_, canteen] = (await desk.deadlines("from=2026-12-16&to=2026-12-18"))["activities"]
    assert [(one["date"], one["booking"]["until"][:10]) for one in canteen["days"]] == [("2026-12-18", "2026-12-16")]


async def test_a_preview_changes_nothing(desk: Desk) -> None:
    before = await calendar(desk)
    path, wanted = "/calendar", {"closed_days": [CHRISTMAS_EVE]}
    status, answer, etag = await desk.ask("PUT", f"{path}?preview=true", wanted, etag=before[1])
    assert (status, etag) == (200, before[1])
    assert answer["calendar"]["closed_days"] == [CHRISTMAS_EVE]
    assert [one["date"] for one in answer["changes"]] == ["2026-12-17", "2026-12-18", "2027-05-07", "2027-05-10"]
    assert await calendar(desk) == before
    assert (await desk.ask("PUT", path, wanted, etag=before[1]))[1]["changes"] == answer["changes"]


async def test_the_same_days_again_are_no_change(desk: Desk) -> None:
    _, etag = await calendar(desk)
    status, answer, same = await desk.ask("PUT", "/calendar", {"closed_days": [BRIDGE]}, etag=etag)
    assert (status, answer["changes"], same) == (200, [], etag)


async def test_a_day_given_another_name_is_a_change_of_no_deadline(desk: Desk) -> None:
    _, etag = await calendar(desk)
    status, answer, changed = await desk.ask(
        "PUT", "/calendar", {"closed_days": [BRIDGE | {"name": "Pont"}]}, etag=etag
    )
    assert (status, answer["changes"], changed) == (200, [], '"2"')
    assert (await calendar(desk))[0]["closed_days"][0]["name"] == "Pont"
    assert (await desk.ask("PUT", "/calendar", {"closed_days": []}, etag=changed))[0] == 200
    assert (await calendar(desk))[0]["closed_days"] == []


async def test_of_those_who_close_days_at_the_same_moment_one_is_heard(desk: Desk) -> None:
    _, etag = await calendar(desk)
    wanted = [{"closed_days": [BRIDGE | {"date": f"2027-06-{day:02}"}]} for day in range(1, 6)]
    answers = await desk.at_once("/calendar", wanted, etag, "UPDATE calendar SET version = version")
    assert sorted(status for status, _ in answers) == [200, 412, 412, 412, 412]
    [heard] = [answer["calendar"] for status, answer in answers if status == 200]
    assert (await calendar(desk))[0] == heard
    assert (await desk.ask("PUT", "/calendar", wanted[0]))[0] == 428


@pytest.mark.parametrize(
    ("closed", "pointer"),
    [
        ([BRIDGE, {"date": "2026-02-29", "name": "x"}], "/closed_days/1/date"),
        ([{"date": "9999-12-31", "name": "x"}], "/closed_days/0/date"),
        ([{"date": 20000, "name": "x"}], "/closed_days/0/date"),
        ([{"date": "20000", "name": "x"}], "/closed_days/0/date"),
        ([{"date": "2027-05-07T00:00:00", "name": "x"}], "/closed_days/0/date"),
        ([{"date": "2027-05-07", "name": " "}], "/closed_days/0/name"),
        ([{"date": "2027-05-07", "name": "x" * 101}], "/closed_days/0/name"),
        ([{"date": "2027-05-07", "name": "x\0"}], "/closed_days/0/name"),
        ([{"date": "2027-05-07"}], "/closed_days/0/name"),
        ([BRIDGE | {"open": True}], "/closed_days/0/open"),
        ([BRIDGE, BRIDGE], "/closed_days"),
        ([BRIDGE] * 10_000, "/closed_days"),
        (["2027-05-07"], "/closed_days/0"),
        (None, "/closed_days"),
    ],
    ids=lambda one: str(one)[:40],
)
async def test_days_that_are_none_are_refused_by_their_place(desk: Desk, closed: Any, pointer: str) -> None:
    before = await calendar(desk)
    status, problem, _ = await desk.ask("PUT", "/calendar", {"closed_days": closed}, etag=before[1])
    assert (status, pointers(problem)) == (422, [pointer])
    assert await calendar(desk) == before


async def test_nobody_else_reads_or_changes_calendar_and_rules(desk: Desk) -> None:
    rules, wanted = f"/activities/{CANTEEN}/rules", {"closed_days": [CHRISTMAS_EVE]}
    calls = (
        ("GET", "/calendar", None),
        ("PUT", "/calendar", wanted),
        ("GET", rules, None),
        ("PUT", rules, CANTEEN_RULES),
    )
    for method, path, body in calls:
        for role in NOBODY_ELSE:
            status, problem, _ = await desk.ask(method, path, body, role=role, etag='"1"')
            assert (status, problem["type"]) == (403, "urn:problem:forbidden"), (method, path, role)
        async with desk.client.request(method, f"/v1{path}", json=body) as answer:
            assert answer.status == 401
    assert (await calendar(desk))[1] == '"1"'
    for method, path, body in calls:
        assert (await desk.ask(method, path, body, etag='"1"'))[0] == 200, (method, path)


# -------------------------------------------------------------------------------------------------- the town's file


async def test_loading_again_leaves_what_an_administrator_has_changed(desk: Desk) -> None:
    _, etag = await calendar(desk)
    assert (await desk.ask("PUT", "/calendar", {"closed_days": []}, etag=etag))[0] == 200
    wanted = CANTEEN_RULES | {"weekdays": ["monday"]}
    assert (await desk.ask("PUT", f"/activities/{CANTEEN}/rules", wanted, etag=etag))[0] == 200
    await desk.load()
    answer, etag = await calendar(desk)
    assert (answer["closed_days"], etag) == ([], '"2"')
    assert (await desk.ask("GET", f"/activities/{CANTEEN}/rules"))[1]["weekdays"] == ["monday"]
    async with desk.database.sessions() as session:
        counts = [
            await session.scalar(select(func.count()).select_from(one)) for one in (Calendar, ClosedDay, ActivityRules)
        ]
    assert counts == [1, 0, 2]


async def test_a_town_that_is_not_loaded_has_no_calendar(desk: Desk) -> None:
    async with desk.owner.sessions.begin() as session:
        await session.execute(delete(Calendar))
    for method, path, body in (
        ("GET", "/calendar", None),
        ("PUT", "/calendar", {"closed_days": []}),
        ("GET", "/deadlines", None),
    ):
        assert (await desk.ask(method, path, body, etag='"1"'))[0] == 404
