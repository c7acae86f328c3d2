"""What goes wrong between the family, PayFiP and our books, through the gateway and by real SOAP."""

from typing import Any

import asyncpg
import pytest
from chassis.identifiers import new_id

from deploy.local.portal import RefusedError, until
from deploy.local.stack import Stack
from tests.actors import Clock, Family


async def invoice_of(family: Family, booking: dict[str, Any]) -> dict[str, Any]:
    invoice: dict[str, Any] = await family.portal.get(f"/billing/v1/invoices/{booking['invoice_id']}")
    return invoice


async def credit(family: Family) -> int:
    return int((await family.portal.balance())["credit_cents"])


async def credited(family: Family, cents: int) -> None:
    async def is_there() -> bool | None:
        return True if await credit(family) == cents else None

    await until(is_there, f"a credit of {cents} cents")


async def test_a_refused_card_leaves_the_invoice_to_pay_and_a_second_payment_settles_it(family: Family) -> None:
    booking = await family.billed()
    first = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.decide(first["redirect_url"], "R")
    await family.portal.payment_when(first["payment_id"], "failed")
    assert (await invoice_of(family, booking))["status"] == "to_pay"
    second = await family.portal.open_payment(booking["invoice_id"])
    assert second["payment_id"] != first["payment_id"]
    await family.portal.pay_on_the_page(second["redirect_url"])
    await family.portal.in_status(booking["id"], "paid")


async def test_an_abandoned_payment_can_be_opened_again(family: Family, moving_clock: Clock) -> None:
    booking = await family.billed()
    first = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.decide(first["redirect_url"], "A")
    moving_clock.advance(minutes=18)
    await family.sign_in_again()
    await family.portal.payment_when(first["payment_id"], "abandoned")
    second = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.pay_on_the_page(second["redirect_url"])
    await family.portal.in_status(booking["id"], "paid")


async def test_five_notifications_are_one_payment(stack: Stack, family: Family) -> None:
    booking = await family.billed()
    payment = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.decide(payment["redirect_url"], "P", repeat=5)
    await family.portal.in_status(booking["id"], "paid")
    idop = payment["redirect_url"].rsplit("=", 1)[1]
    for _ in range(5):  # and five more, late
        async with family.portal.client.post("/api/billing/v1/payfip/notifications", data={"idOp": idop}) as answer:
            assert answer.status == 200
    billing = await asyncpg.connect(stack.databases["billing"])
    try:
        # Nothing more will be asked, so what is in the books now is what will be.
        assert await billing.fetchval("SELECT next_check_at FROM payments WHERE idop = $1", idop) is None
        received = "SELECT count(*) FROM ledger_entries WHERE account = 'payfip' AND payment_id = $1::uuid"
        assert await billing.fetchval(received, payment["payment_id"]) == 1
    finally:
        await billing.close()
    await family.portal.mail(family.guardian.email, "reçu de la facture")
    assert await credit(family) == 0
    receipts = [m for m in await family.portal.mails(family.guardian.email) if "reçu" in m["subject"].lower()]
    assert len(receipts) == 1


async def test_a_payment_never_notified_is_found_by_asking(family: Family, moving_clock: Clock) -> None:
    booking = await family.billed()
    payment = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.decide(payment["redirect_url"], "P", notify=False)
    moving_clock.advance(seconds=30)
    await family.portal.in_status(booking["id"], "paid")


async def test_a_forged_notification_credits_nothing(family: Family) -> None:
    booking = await family.billed()
    payment = await family.portal.open_payment(booking["invoice_id"])
    idop = payment["redirect_url"].rsplit("=", 1)[1]
    for forged in ({"idOp": idop}, {"idop": idop}, {"idOp": str(new_id())}, {"resultrans": "P", "idOp": idop}, {}):
        async with family.portal.client.post("/api/billing/v1/payfip/notifications", data=forged) as answer:
            assert answer.status == 200

    async def asked_again() -> bool | None:
        async with family.portal.client.get(f"{family.portal.stack.payfip}/sandbox/payments") as listed:
            known = {one["idop"]: one["asked"] for one in await listed.json()}
        return True if known[idop] >= 1 else None

    await until(asked_again, "PayFiP is asked, not the notification believed")
    assert (await family.portal.payment_when(payment["payment_id"], "pending"))["status"] == "pending"
    assert (await invoice_of(family, booking))["status"] == "to_pay"
    assert await credit(family) == 0


async def test_less_money_than_due_is_credit_and_the_invoice_stays_to_pay(family: Family) -> None:
    booking = await family.billed()
    payment = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.decide(payment["redirect_url"], "P", amount_cents=500)
    await credited(family, 500)
    assert (await invoice_of(family, booking))["status"] == "to_pay"


async def test_more_money_than_due_settles_the_invoice_and_the_rest_is_credit(family: Family) -> None:
    booking = await family.billed()
    payment = await family.portal.open_payment(booking["invoice_id"])
    due = (await invoice_of(family, booking))["amount_cents"]
    await family.portal.decide(payment["redirect_url"], "P", amount_cents=due + 250)
    await family.portal.in_status(booking["id"], "paid")
    await credited(family, 250)


async def expired_while_paying(family: Family, clock: Clock) -> tuple[dict[str, Any], str]:
    """A booking that lapsed with a payment page left open; the page's address."""
    booking = await family.billed()
    payment = await family.portal.open_payment(booking["invoice_id"])
    clock.advance(minutes=41)
    await family.sign_in_again()
    await family.portal.in_status(booking["id"], "expired")
    return booking, payment["redirect_url"]


async def test_money_after_the_booking_expired_revives_it_while_places_are_left(
    family: Family, moving_clock: Clock
) -> None:
    booking, page = await expired_while_paying(family, moving_clock)
    with pytest.raises(RefusedError):  # what has lapsed can't be paid any more from here
        await family.portal.open_payment(booking["invoice_id"])
    await family.portal.decide(page, "P")
    revived = await family.portal.in_status(booking["id"], "paid")
    assert revived["invoice_id"] != booking["invoice_id"]
    assert await credit(family) == 0


async def test_money_after_the_booking_expired_is_credit_when_the_places_are_gone(
    family: Family, moving_clock: Clock, enrolment_database: asyncpg.Connection
) -> None:
    booking, page = await expired_while_paying(family, moving_clock)
    week_id = booking["lines"][0]["holiday_week_id"]
    before = await enrolment_database.fetchval("SELECT places FROM holiday_weeks WHERE id = $1", week_id)
    await enrolment_database.execute("UPDATE holiday_weeks SET places = taken WHERE id = $1", week_id)
    try:
        await family.portal.decide(page, "P")
        await credited(family, booking["amount_cents"])
        assert await family.portal.mail(family.guardian.email, "gardée en crédit")
        assert await family.portal.mail("guichet@example.org", f"dossier {family.guardian.number}")
        assert (await family.portal.booking(booking["id"]))["status"] == "expired"
    finally:
        await enrolment_database.execute("UPDATE holiday_weeks SET places = $2 WHERE id = $1", week_id, before)


async def test_a_debit_refused_by_the_bank_reopens_the_invoice_and_the_place_stays(family: Family) -> None:
    booking = await family.billed()
    payment = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.decide(payment["redirect_url"], "V")
    await family.portal.in_status(booking["id"], "paid")
    settled = await invoice_of(family, booking)
    await family.portal.decide(payment["redirect_url"], "Z")
    await family.portal.payment_when(payment["payment_id"], "failed")
    reopened = await invoice_of(family, booking)
    assert (reopened["status"], reopened["number"]) == ("reopened", settled["number"])
    assert reopened["due_cents"] == reopened["amount_cents"] == (await family.portal.balance())["owed_cents"]
    assert await family.portal.mail(family.guardian.email, "prélèvement a été rejeté")
    assert await family.portal.mail("guichet@example.org", f"rejeté, dossier {family.guardian.number}")
    assert (await family.portal.booking(booking["id"]))["status"] == "paid"
    again = await family.portal.open_payment(booking["invoice_id"])
    await family.portal.pay_on_the_page(again["redirect_url"])
    await family.portal.payment_when(again["payment_id"], "succeeded")
    paid = await invoice_of(family, booking)
    assert (paid["status"], paid["number"], paid["due_cents"]) == ("settled", settled["number"], 0)
    assert await credit(family) == 0
