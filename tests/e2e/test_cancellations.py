"""Cancelling line by line, across enrolment, billing and planning, through the gateway."""

from typing import Any

import asyncpg
import pytest
from chassis.identifiers import new_id

from deploy.local.portal import RefusedError, until
from deploy.local.stack import Stack
from tests.actors import Family


async def planned_weeks(family: Family, booking: dict[str, Any]) -> set[tuple[str, ...]]:
    """The weeks (as dates) of that booking whose days are reserved in the planning."""
    reserved: set[str] = set()
    for month in {day[:7] for line in booking["lines"] for day in line["dates"]}:
        rows = (await family.portal.get(f"/planning/v1/plannings?month={month}"))["rows"]
        reserved |= {c["date"] for row in rows for c in row["cells"] if c["booking_id"] == booking["id"]}
    return {tuple(line["dates"]) for line in booking["lines"] if reserved.issuperset(line["dates"])}


async def planned(family: Family, booking: dict[str, Any], *positions: int) -> None:
    """Wait until the planning shows those lines' weeks, and no other."""
    wanted = {tuple(line["dates"]) for line in booking["lines"] if line["position"] in positions}

    async def is_so() -> bool | None:
        return True if await planned_weeks(family, booking) == wanted else None

    await until(is_so, f"lines {positions} of booking {booking['id']} are in the planning")


async def credited(family: Family, cents: int) -> None:
    async def is_there() -> bool | None:
        return True if (await family.portal.balance())["credit_cents"] == cents else None

    await until(is_there, f"a credit of {cents} cents")


async def test_lines_are_cancelled_before_and_after_the_payment_each_at_its_price(family: Family) -> None:
    lines = [await family.line(0, week) for week in range(3)]
    booking = await family.billed(*lines)
    prices = [line["amount_cents"] for line in booking["lines"]]
    assert booking["amount_cents"] == sum(prices)
    await planned(family, booking, 0, 1, 2)

    # Before the payment: the line leaves the bill and the planning.
    answer = await family.portal.cancel(booking["id"], 0)
    assert [line["status"] for line in answer["lines"]] == ["cancelled", "active", "active"]
    booking = await family.portal.booking_when(
        booking["id"], "is billed without it", lambda b: b["amount_cents"] == sum(prices[1:])
    )
    await planned(family, booking, 1, 2)
    payment = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.pay_on_the_page(payment["redirect_url"])
    await family.portal.in_status(booking["id"], "paid")
    await credited(family, 0)

    # After it and in time: the line comes back as credit, and again nothing for the same one.
    for _ in range(2):
        answer = await family.portal.cancel(booking["id"], 1)
    assert (answer["status"], answer["lines"][1]["refundable"]) == ("paid", True)
    await credited(family, prices[1])
    await planned(family, booking, 2)

    # The last one ends it.
    assert (await family.portal.cancel(booking["id"]))["status"] == "cancelled"
    await credited(family, prices[1] + prices[2])
    await planned(family, booking)


async def test_money_paid_for_all_lines_settles_those_that_stand_and_the_rest_is_credit(
    family: Family, enrolment_database: asyncpg.Connection
) -> None:
    lines = [await family.line(0), await family.line(1)]
    booking = await family.billed(*lines)
    first = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.cancel(booking["id"], 0)
    left = booking["lines"][1]["amount_cents"]
    await family.portal.booking_when(booking["id"], "is billed for less", lambda b: b["amount_cents"] == left)
    await family.portal.decide(first["redirect_url"], "P")  # the page still asked for both
    await family.portal.in_status(booking["id"], "paid")
    await credited(family, booking["lines"][0]["amount_cents"])
    active = await enrolment_database.fetch(
        "SELECT position FROM booking_lines WHERE booking_id = $1::uuid AND active", booking["id"]
    )
    assert [row["position"] for row in active] == [1]


async def test_what_cannot_be_billed_is_cancelled_and_the_family_told(
    stack: Stack, family: Family, enrolment_database: asyncpg.Connection
) -> None:
    line = await family.line()
    booking = await family.portal.book([line])
    billing = await asyncpg.connect(stack.owner_databases["billing"])
    try:
        await billing.execute("UPDATE tariffs SET valid_from = valid_from + interval '100 years'")
        await family.portal.confirm(booking["id"], str(new_id()))  # no quote that could be honoured
        cancelled = await family.portal.in_status(booking["id"], "cancelled")
    finally:
        await billing.execute("UPDATE tariffs SET valid_from = valid_from - interval '100 years'")
        await billing.close()
    assert "tarif" in cancelled["reason"]
    assert cancelled["lines"][0]["reason"] == cancelled["reason"]
    taken, lines = await enrolment_database.fetchrow(
        "SELECT taken, (SELECT count(*) FROM booking_lines WHERE holiday_week_id = $1::uuid AND active)"
        " FROM holiday_weeks WHERE id = $1::uuid",
        line[1],
    )
    assert taken == lines
    assert await family.portal.mail(family.guardian.email, "n'a pas pu être facturée")
    booking = await family.portal.book([line])  # the control: with its tariff it is billed
    await family.portal.confirm(booking["id"], str(new_id()))
    assert (await family.portal.invoiced(booking["id"]))["status"] == "confirmed"


async def test_a_line_that_is_not_there_is_not_found(family: Family) -> None:
    booking = await family.portal.book([await family.line()])
    with pytest.raises(RefusedError) as refused:
        await family.portal.cancel(booking["id"], 1)
    assert refused.value.status == 404
    assert (await family.portal.cancel(booking["id"], 0))["status"] == "cancelled"
