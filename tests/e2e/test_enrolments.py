"""Children enrolled for the school year, by the town's description and by their families, through the gateway."""

from typing import Any

from chassis.identifiers import named_id

from deploy.local.portal import Portal, until
from tests.actors import Family

CANTEEN = str(named_id("activity", "cantine"))


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
