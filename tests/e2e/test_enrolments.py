"""A child enrolled for the school year: its usual week reserved by planning, changed, given up, through the gateway."""

from datetime import timedelta
from typing import Any

from chassis import clock
from chassis.identifiers import named_id
from french.calendar import school_days, school_year
from french.paris import day_in_paris

from deploy.local.portal import Portal, until
from tests.actors import Family

CANTEEN = str(named_id("activity", "cantine"))


def next_first_day() -> str:
    """Of the next school year, which has days left on any date."""
    first, _ = school_days("C", school_year(day_in_paris(clock.now()) + timedelta(days=365)))
    return str(first)


async def applied(portal: Portal, enrolment: dict[str, Any]) -> dict[str, Any]:
    """The enrolment once planning has answered its version."""

    async def answered() -> dict[str, Any] | None:
        one: dict[str, Any] = await portal.get(f"/enrolment/v1/enrolments/{enrolment['id']}")
        return None if one["pending"] else one

    return await until(answered, f"planning's answer to enrolment {enrolment['id']}")


async def reserved(portal: Portal, child_id: str, day: str) -> bool:
    """Whether the canteen's cell of that day says so."""
    planning = await portal.get(f"/planning/v1/plannings?month={day[:7]}&child_id={child_id}")
    (row,) = [one for one in planning["rows"] if one["activity_id"] == CANTEEN]
    (cell,) = [one for one in row["cells"] if one["date"] == day]
    return bool(cell["status"] == "reserved")


async def test_a_usual_week_is_reserved_changed_and_given_up(family: Family) -> None:
    await family.sign_in_again()
    portal, child_id = family.portal, family.guardian.children[0]
    wish = {"child_id": child_id, "activity_id": CANTEEN, "usual_week": {"days": ["monday", "thursday"]}}
    asked = await portal.post("/enrolment/v1/enrolments", wish | {"from": next_first_day()})
    assert (asked["status"], asked["usual_week"]["status"]) == ("active", "pending")
    first = await applied(portal, asked)
    assert first["usual_week"]["status"] == "applied"
    days = first["applied"]["reserved"]
    assert days == sorted(days)
    assert all(asked["valid_from"] <= day <= asked["valid_to"] for day in days)
    last = days[-1]
    assert await reserved(portal, child_id, last)

    path = f"/enrolment/v1/enrolments/{asked['id']}"
    week = {"days": ["friday"], "from": days[-4], "to": asked["valid_to"]}
    second = await applied(portal, await portal.call("PUT", f"{path}/usual-week", week))
    assert last in second["applied"]["cancelled"]
    assert second["applied"]["reserved"]
    assert not await reserved(portal, child_id, last)
    kept = days[-5]
    assert await reserved(portal, child_id, kept)

    third = await applied(portal, await portal.call("DELETE", f"{path}?from={kept}"))
    assert (third["status"], third["applied"]["cancelled"][0]) == ("withdrawn", kept)
    assert not await reserved(portal, child_id, kept)
    assert await portal.mail(family.guardian.email, "Fin d'une inscription")


async def test_the_demo_families_have_planned_already(portal: Portal) -> None:
    await portal.sign_in("martin", "Bienvenue!2026")
    enrolments = (await portal.get("/enrolment/v1/enrolments"))["items"]
    (lea, *_) = [
        one
        for one in enrolments
        if one["activity_id"] == CANTEEN and one["child_id"] == str(named_id("child", "100001", "Léa"))
    ]
    done = await applied(portal, lea)
    assert done["usual_week"]["status"] == "applied"
    for day in done["applied"]["reserved"][:1]:  # none in the last days of school
        assert await reserved(portal, lea["child_id"], day)


async def test_siblings_in_one_go_each_have_their_result(family: Family) -> None:
    await family.sign_in_again()
    first, second = family.guardian.children[:2]
    wishes = [{"child_id": child, "activity_id": CANTEEN} for child in (first, second)]
    alone = await family.portal.post("/enrolment/v1/enrolments", wishes[0])
    answer = await family.portal.post("/enrolment/v1/enrolments/batch", {"enrolments": wishes})
    refused, enrolled = answer["results"]
    assert (refused["child_id"], refused["problem"]["type"]) == (first, "urn:problem:enrolment:already-enrolled")
    assert (enrolled["child_id"], enrolled["enrolment"]["status"]) == (second, "active")
    listed = (await family.portal.get("/enrolment/v1/enrolments"))["items"]
    assert {one["id"] for one in listed} == {alone["id"], enrolled["enrolment"]["id"]}
