"""What becomes of a payment: told by PayFiP or found by asking, believed of nobody else."""

import asyncio

import pytest
from billing.ledger.models import Account
from chassis.identifiers import new_id
from contracts.billing import InvoiceSettled, NoticeWritten

from services.billing.tests.billing_scene import PayFiP, Scene

PRICE = 8085


async def test_a_notified_payment_settles_numbers_and_tells(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    payment_id, idop = await scene.opened_payment(invoice)
    await payfip.decide(idop, "P")
    await scene.notify(idop, "idop")
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == "succeeded"
    settled = await scene.invoice(booking)
    assert (settled.status, settled.number) == ("settled", f"{settled.opened_at:%Y}-ENFANCE-000001")
    (told,) = await scene.published(InvoiceSettled)
    assert (told.number, told.amount_cents, told.version) == (settled.number, PRICE, 2)
    receipt = (await scene.published(NoticeWritten))[-1]
    assert receipt.link == f"/factures/{invoice.id}"
    assert "Votre paiement en ligne a été reçu le" in receipt.paragraphs[0]
    assert "80,85\u00a0€" in receipt.paragraphs[-1]
    accounts = {account: await scene.account(account) for account in Account}
    assert accounts == {
        Account.PAYFIP: PRICE,
        Account.FAMILY: 0,
        Account.CREDIT: 0,
        Account.DEFERRED: 0,
        Account.CHILDCARE: -6370,
        Account.FOOD: -1715,
    }


async def test_five_notifications_are_one_payment(scene: Scene, payfip: PayFiP) -> None:
    _, invoice = await scene.opened()
    _, idop = await scene.opened_payment(invoice)
    await payfip.decide(idop, "V")
    for _ in range(5):
        await scene.notify(idop)
        await asyncio.gather(scene.ask_payfip(), scene.ask_payfip())
    assert await scene.account(Account.PAYFIP) == PRICE
    assert len(await scene.published(InvoiceSettled)) == 1


async def test_without_any_notification_the_payment_is_found_by_asking(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    _, idop = await scene.opened_payment(invoice)
    await payfip.decide(idop, "P")
    await scene.ask_payfip()
    assert (await scene.invoice(booking)).status == "to_pay"  # not asked yet
    scene.after(seconds=11)
    await scene.ask_payfip()
    assert (await scene.invoice(booking)).status == "settled"


async def test_a_forged_notification_credits_nothing(scene: Scene) -> None:
    _, invoice = await scene.opened()
    payment_id, idop = await scene.opened_payment(invoice)
    for forged in (idop, str(new_id()), "", "\0", "x" * 1000):
        await scene.notify(forged)
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == "pending"
    assert await scene.account(Account.PAYFIP) == 0


async def test_a_notification_that_is_no_form_is_answered_all_the_same(scene: Scene) -> None:
    async with scene.client.post("/v1/payfip/notifications", data=b"\xff\0{", headers={"Content-Type": "x/y"}) as one:
        assert one.status == 200


@pytest.mark.parametrize(("result", "status"), [("R", "failed"), ("Z", "failed"), ("A", "abandoned")])
async def test_a_payment_that_did_not_succeed_leaves_the_invoice_to_pay(
    scene: Scene, payfip: PayFiP, result: str, status: str
) -> None:
    booking, invoice = await scene.opened()
    payment_id, idop = await scene.opened_payment(invoice)
    await payfip.decide(idop, result)
    await scene.notify(idop)
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == status
    assert (await scene.invoice(booking)).status == "to_pay"
    assert (await scene.pay(invoice))[1]["payment_id"] != payment_id


@pytest.mark.parametrize("first", ["A", "R"])
async def test_a_second_try_on_the_same_page_still_counts(scene: Scene, payfip: PayFiP, first: str) -> None:
    booking, invoice = await scene.opened()
    payment_id, idop = await scene.opened_payment(invoice)
    await payfip.decide(idop, first)
    await scene.notify(idop)
    await scene.ask_payfip()
    await payfip.decide(idop, "P")
    scene.after(seconds=15)
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == "succeeded"
    assert (await scene.invoice(booking)).status == "settled"


@pytest.mark.parametrize("fault", ["TechIndisponibiliteErreur", "TechDysfonctionnementErreur", "http_500"])
async def test_payfip_in_trouble_leaves_the_payment_uncertain_and_the_place_kept(
    scene: Scene, payfip: PayFiP, fault: str
) -> None:
    booking, invoice = await scene.opened()
    payment_id, idop = await scene.opened_payment(invoice)
    await payfip.fail("recupererDetailPaiementSecurise", fault)
    scene.after(minutes=21)
    await scene.ask_payfip()
    await scene.lapse()
    assert await scene.payment_status(payment_id) == "uncertain"
    assert (await scene.invoice(booking)).status == "to_pay"
    await payfip.recover()
    await payfip.decide(idop, "P")
    scene.after(minutes=52)
    await scene.ask_payfip()
    assert (await scene.invoice(booking)).status == "settled"


async def test_a_payment_that_payfip_no_longer_knows_is_abandoned_for_good(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    payment_id, _ = await scene.opened_payment(invoice)
    await payfip.fail("recupererDetailPaiementSecurise", "FonctionnelleErreur", "P1")
    scene.after(minutes=1)
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == "abandoned"
    scene.after(minutes=21)
    await scene.lapse()
    assert (await scene.invoice(booking)).status == "lapsed"
