"""Split custody: either parent sees the child, and nothing of the other family. Generated from OpenAPI."""

import aiohttp
import pytest

from deploy.local.portal import Portal, RefusedError
from deploy.local.stack import Stack
from libs.chassis.tests.waiting import until
from tests.conftest import NewFamily
from tests.security.examples import Json, operations
from tests.security.test_foreign_family import Door

#: Where a family reads of a child in each service.
READ = (
    "/planning/v1/plannings?month=2098-06",
    "/enrolment/v1/activities?kind=restauration",
    "/billing/v1/prices?month=2098-06",
)


@pytest.fixture
async def document(portal: Portal) -> Json:
    async with portal.client.get("/api/openapi.json") as answer:
        found: Json = await answer.json()
    return found


async def test_the_other_parent_sees_the_child_and_nothing_of_its_other_family(
    stack: Stack, document: Json, new_family: NewFamily, agent: Portal
) -> None:
    mother, father = await new_family(), await new_family()
    child = {"first_name": "Zéphyrine", "last_name": "Partagée", "birth_date": "2020-02-29"}
    child_id = (await agent.post(f"/dossier/v1/dossiers/{mother.dossier_id}/children", child))["id"]
    _, seen = await agent.tagged(f"/dossier/v1/children/{child_id}?dossier_id={mother.dossier_id}")
    billed, mine = await mother.billed(), await mother.portal.get("/dossier/v1/dossiers/mine")
    await agent.edit("POST", f"/dossier/v1/children/{child_id}/dossiers", {"dossier_id": father.dossier_id}, seen)

    async def heard() -> bool:
        """Each service knows of the child's second dossier."""
        try:
            for path in READ:
                await father.portal.get(f"{path}&child_id={child_id}")
        except RefusedError as refused:
            return refused.status != 404
        return True

    await until(heard)
    values: Json = {
        "dossier_id": mother.dossier_id,
        "child_id": child_id,
        "booking_id": billed["id"],
        "invoice_id": billed["invoice_id"],
        "month": billed["lines"][0]["dates"][0][:7],
    }
    adult = mine["adults"][0]
    theirs = [*(values[one] for one in ("dossier_id", "booking_id", "invoice_id")), mine["number"], adult["id"]]
    theirs += [adult["email"], mine["address"]["street"], billed["id"]]
    found, wrong = 0, []
    async with aiohttp.ClientSession() as client:
        door = Door(stack, "gateway", client)
        for operation in operations(document):
            reads = operation.method == "GET" and "guardian" in operation.roles and operation.reach == "dossier"
            if not reads or not operation.needed <= values.keys():
                continue
            named = operation.taken.keys() & {"child_id"}
            status, text = await door.call(operation, str(father.portal.token), values, *named)
            hidden = bool(operation.required_theirs - {"child_id"})
            if status != (404 if hidden else 200) or any(word in text for word in theirs):
                wrong.append(f"{operation}: {status}, {text}")
            found += child_id in text
    assert not wrong, "\n".join(wrong)
    assert found >= 3  # the child itself is seen
