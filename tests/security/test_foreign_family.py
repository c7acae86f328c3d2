"""Another family's things are a 404, through the gateway and at each service."""

from typing import Any

import aiohttp
import pytest

from deploy.local.stack import Stack
from tests.actors import Family

Call = tuple[str, str, str, Any]


async def things_of(family: Family) -> list[Call]:
    """(service, method, path, body) of every call of the journey that names something of that family's."""
    booking = await family.billed()
    payment = await family.portal.open_payment(booking["invoice_id"])
    line = {"child_id": booking["lines"][0]["child_id"], "holiday_week_id": booking["lines"][0]["holiday_week_id"]}
    child, month = line["child_id"], booking["lines"][0]["dates"][0][:7]
    return [
        ("dossier", "GET", f"/v1/dossiers/{family.dossier_id}", None),
        ("enrolment", "GET", f"/v1/holiday-weeks?child_id={child}", None),
        ("enrolment", "POST", "/v1/bookings", {"lines": [line]}),
        ("enrolment", "GET", f"/v1/bookings/{booking['id']}", None),
        ("enrolment", "POST", f"/v1/bookings/{booking['id']}/confirm", {"quote_id": booking["quote_id"]}),
        ("enrolment", "DELETE", f"/v1/bookings/{booking['id']}", None),
        ("enrolment", "DELETE", f"/v1/bookings/{booking['id']}/lines/0", None),
        ("planning", "GET", f"/v1/plannings?month={month}&child_id={child}", None),
        ("billing", "POST", "/v1/quotes", {"lines": [line]}),
        ("billing", "GET", f"/v1/invoices/{booking['invoice_id']}", None),
        (
            "billing",
            "POST",
            "/v1/payments",
            {"invoice_ids": [booking["invoice_id"]], "return_url": f"{family.portal.stack.web}/facturation"},
        ),
        ("billing", "GET", f"/v1/payments/{payment['payment_id']}", None),
    ]


@pytest.mark.parametrize("through", ["gateway", "service"])
async def test_a_foreign_familys_things_do_not_exist(stack: Stack, new_family: Any, through: str) -> None:
    owner, stranger = await new_family(), await new_family()
    async with aiohttp.ClientSession() as client:
        for service, method, path, body in await things_of(owner):
            base = f"{stack.gateway}/api/{service}" if through == "gateway" else stack.services[service]
            headers = {"Authorization": f"Bearer {stranger.portal.token}", "Idempotency-Key": f"{method} {path}"}
            async with client.request(method, base + path, json=body, headers=headers) as answer:
                problem = await answer.json(content_type=None)
            assert answer.status == 404, (service, method, path, answer.status, problem)


async def test_lists_show_only_ones_own(new_family: Any) -> None:
    owner, stranger = await new_family(), await new_family()
    booking = await owner.billed()
    for path, key in (("/enrolment/v1/bookings", "id"), ("/billing/v1/invoices", "booking_id")):
        assert booking["id"] in {one[key] for one in (await owner.portal.get(path))["items"]}
        assert (await stranger.portal.get(path))["items"] == []
