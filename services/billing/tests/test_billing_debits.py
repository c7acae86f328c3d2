"""A direct debit accepted by PayFiP (V), refused by the bank later (Z): its money goes, what it paid is due again."""

import asyncio
from typing import Any

import pytest
from billing.invoices.models import Allocation, Invoice, InvoiceState
from billing.ledger.models import Account
from billing.payments import collecting
from contracts.billing import CreditGranted, InvoiceLapsed, InvoiceSettled, NoticeWritten
from sqlalchemy import func, select

from services.billing.tests.billing_scene import PayFiP, Scene

PRICE = 8085


async def debited(scene: Scene, payfip: PayFiP, *invoices: Invoice, cents: int | None = None) -> tuple[str, str]:
    """(payment_id, idOp) of a payment by direct debit, accepted."""
    payment_id, idop = await scene.opened_payment(*invoices)
    await payfip.decide(idop, "V", amount_cents=cents)
    await scene.notify(idop)
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == "succeeded"
    return payment_id, idop


async def returned(scene: Scene, payfip: PayFiP, idop: str, days: int = 3) -> None:
    await payfip.decide(idop, "Z")
    scene.after(days=days)
    await scene.ask_payfip()


async def balance(scene: Scene) -> tuple[int, int]:
    """What is owed, what is credit; and the books agree."""
    async with scene.database.sessions() as session:
        numbered = select(func.coalesce(func.sum(Invoice.amount_cents - InvoiceState.allocated_cents), 0))
        owed = await session.scalar(numbered.join(Invoice.state).where(Invoice.number.is_not(None)))
        allocated = await session.scalar(select(func.coalesce(func.sum(Allocation.amount_cents), 0)))
        states = await session.scalar(select(func.coalesce(func.sum(InvoiceState.allocated_cents), 0)))
    assert allocated == states
    assert await scene.account(Account.FAMILY) == owed
    assert sum([await scene.account(account) for account in Account]) == 0
    _, answer = await scene.ask("GET", "/balance")
    return answer["owed_cents"], answer["credit_cents"]


async def test_a_debit_refused_later_reopens_the_invoice_and_everybody_is_told(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    payment_id, idop = await debited(scene, payfip, invoice)
    settled = await scene.invoice(booking)
    assert settled.status == "settled"
    await returned(scene, payfip, idop)
    reopened = await scene.invoice(booking)
    assert (reopened.status, reopened.number, reopened.due_cents) == ("reopened", settled.number, PRICE)
    assert await scene.payment_status(payment_id) == "failed"
    assert await scene.account(Account.PAYFIP) == 0
    assert await balance(scene) == (PRICE, 0)
    family, desk = (await scene.published(NoticeWritten))[-2:]
    assert (family.title, family.desk, family.dossier_id) == (
        "Votre prélèvement a été rejeté",
        False,
        booking.dossier_id,
    )
    assert f"La facture {settled.number} est de nouveau à payer" in family.paragraphs[1]
    assert "Votre réservation est maintenue" in family.paragraphs[1].replace("\u00a0", " ")
    assert (desk.title, desk.desk) == ("Prélèvement rejeté, dossier 100042", True)
    assert len(await scene.published(InvoiceSettled)) == 1  # the place stays sold: enrolment has nothing to do


async def test_what_was_reopened_never_lapses_and_is_paid_again_whenever(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    _, idop = await debited(scene, payfip, invoice)
    number = (await scene.invoice(booking)).number
    await returned(scene, payfip, idop, days=20)
    await scene.lapse()
    assert await scene.published(InvoiceLapsed) == []
    payment_id, again = await scene.opened_payment(invoice)
    await payfip.decide(again, "P")
    await scene.notify(again)
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == "succeeded"
    paid = await scene.invoice(booking)
    assert (paid.status, paid.number) == ("settled", number)
    assert await balance(scene) == (0, 0)
    assert [one.version for one in await scene.published(InvoiceSettled)] == [2, 4]


async def test_a_refusal_heard_twice_and_at_once_takes_back_once(scene: Scene, payfip: PayFiP) -> None:
    _, invoice = await scene.opened()
    _, idop = await debited(scene, payfip, invoice)
    await payfip.decide(idop, "Z")
    for _ in range(3):
        await scene.notify(idop)
        await asyncio.gather(scene.ask_payfip(), scene.ask_payfip())
    assert await balance(scene) == (PRICE, 0)
    for result in ("V", "P"):  # it has ended: whatever is said of it afterwards brings no money
        await payfip.decide(idop, result)
        await scene.notify(idop)
        await scene.ask_payfip()
    assert await balance(scene) == (PRICE, 0)


async def test_a_debit_is_asked_about_for_sixty_days_and_a_card_never(scene: Scene, payfip: PayFiP) -> None:
    (_, one), (_, other) = await scene.opened(), await scene.opened()
    _, debit = await debited(scene, payfip, one)
    _, card = await scene.opened_payment(other)
    await payfip.decide(card, "P")
    await scene.notify(card)
    await scene.ask_payfip()
    before = {idop: (await payfip.payment(idop))["asked"] for idop in (debit, card)}
    for hours in (11, 13, 24 * 30, 24 * 59, 24 * 61, 24 * 90, 24 * 91):
        scene.after(hours=hours)
        await scene.ask_payfip()
    after = {idop: (await payfip.payment(idop))["asked"] - before[idop] for idop in (debit, card)}
    assert after == {debit: 4, card: 0}  # not at 11 hours; a last time after its sixty days


async def test_payfip_in_trouble_does_not_end_the_watch_of_a_debit(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    payment_id, idop = await debited(scene, payfip, invoice)
    await payfip.fail("recupererDetailPaiementSecurise", "TechIndisponibiliteErreur")
    scene.after(days=1)
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == "succeeded"
    await payfip.recover()
    await returned(scene, payfip, idop)
    assert (await scene.invoice(booking)).status == "reopened"


async def test_one_debit_of_two_invoices_reopens_both(scene: Scene, payfip: PayFiP) -> None:
    (first, invoice), (second, other) = await scene.opened(), await scene.opened()
    _, idop = await debited(scene, payfip, invoice, other)
    await returned(scene, payfip, idop)
    assert [(await scene.invoice(booking)).status for booking in (first, second)] == ["reopened"] * 2
    assert await balance(scene) == (2 * PRICE, 0)


async def test_a_debit_that_was_all_credit_takes_the_credit_away(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    _, idop = await debited(scene, payfip, invoice, cents=500)
    assert await scene.credit() == 500
    scene.after(minutes=21)
    await scene.lapse()  # a debit that is watched for weeks holds no place
    assert (await scene.invoice(booking)).status == "lapsed"
    await returned(scene, payfip, idop)
    assert await balance(scene) == (0, 0)


async def test_credit_of_a_refused_debit_that_was_spent_meanwhile_is_due_again(scene: Scene, payfip: PayFiP) -> None:
    first, invoice = await scene.opened()
    _, idop = await debited(scene, payfip, invoice, cents=2 * PRICE)
    second, _ = await scene.opened()
    assert (await scene.invoice(second)).status == "settled"  # from what had been paid too much
    await returned(scene, payfip, idop)
    assert [(await scene.invoice(booking)).status for booking in (first, second)] == ["reopened"] * 2
    assert await balance(scene) == (2 * PRICE, 0)


async def test_what_credit_is_left_pays_a_part_of_what_was_reopened(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    _, idop = await debited(scene, payfip, invoice)
    await scene.grant(1000)
    await returned(scene, payfip, idop)
    assert await balance(scene) == (PRICE - 1000, 0)
    status, problem = await scene.pay(invoice)
    assert status == 201, problem
    assert (await payfip.payment(problem["redirect_url"].split("idop=")[1]))["montant"] == PRICE - 1000
    shown = (await scene.ask("GET", f"/invoices/{invoice.id}"))[1]
    assert (shown["status"], shown["amount_cents"], shown["due_cents"]) == ("reopened", PRICE, PRICE - 1000)
    assert (await scene.invoice(booking)).status == "reopened"


async def test_a_part_of_what_was_reopened_is_taken_and_the_rest_stays_due(scene: Scene, payfip: PayFiP) -> None:
    _, invoice = await scene.opened()
    _, idop = await debited(scene, payfip, invoice)
    await returned(scene, payfip, idop)
    _, again = await scene.opened_payment(invoice)
    await payfip.decide(again, "P", amount_cents=8000)
    await scene.notify(again)
    await scene.ask_payfip()
    assert await balance(scene) == (85, 0)
    assert (await scene.published(NoticeWritten))[-2].title == "Votre facture n'est réglée qu'en partie"
    status, problem = await scene.pay(invoice)
    assert (status, problem["type"]) == (409, "urn:problem:billing:amount-too-small")


async def test_a_line_of_a_reopened_invoice_cancelled_in_time_is_no_longer_owed(scene: Scene, payfip: PayFiP) -> None:
    (ines, tom), week = scene.moreau.child_ids, scene.week_ids[0]
    booking, invoice = await scene.opened(lines=[(ines, week), (tom, week)])
    _, idop = await debited(scene, payfip, invoice)
    await returned(scene, payfip, idop)
    changed = scene.later(booking, "paid", drop=[0], version=4)
    await scene.hear(changed, times=2)
    assert await balance(scene) == (PRICE, 0)
    await scene.hear(scene.later(changed, "cancelled"))
    assert await balance(scene) == (0, 0)
    assert {one.status for one in await scene.documents(booking)} == {"settled"}


async def test_a_line_cancelled_before_the_debit_is_refused_leaves_the_rest_due(scene: Scene, payfip: PayFiP) -> None:
    (ines, tom), week = scene.moreau.child_ids, scene.week_ids[0]
    booking, invoice = await scene.opened(lines=[(ines, week), (tom, week)])
    _, idop = await debited(scene, payfip, invoice)
    await scene.hear(scene.later(booking, "paid", drop=[0], version=4))
    assert await scene.credit() == PRICE
    await returned(scene, payfip, idop)
    assert await balance(scene) == (PRICE, 0)


async def test_a_debit_refused_for_a_booking_that_expired_leaves_no_credit(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    _, idop = await scene.opened_payment(invoice)
    scene.after(minutes=41)
    await scene.ask_payfip()
    await scene.lapse()
    await payfip.decide(idop, "V")
    await scene.notify(idop)
    await scene.ask_payfip()
    assert [one.booking_id for one in await scene.published(CreditGranted)] == [booking.booking_id]
    await returned(scene, payfip, idop)
    assert await balance(scene) == (0, 0)


@pytest.mark.parametrize("what", ["take_back", "receive"])
async def test_a_process_that_dies_before_its_commit_leaves_it_to_the_next(
    scene: Scene, payfip: PayFiP, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    _, invoice = await scene.opened()
    payment_id, idop = await scene.opened_payment(invoice)
    if what == "take_back":
        await payfip.decide(idop, "V")
        await scene.notify(idop)
        await scene.ask_payfip()
    before = await balance(scene)
    really = getattr(collecting, what)

    async def dies(*arguments: Any) -> None:
        await really(*arguments)
        raise KeyError("killed here")

    await payfip.decide(idop, "Z" if what == "take_back" else "V")
    with monkeypatch.context() as patched:
        patched.setattr(collecting, what, dies)
        await scene.notify(idop)
        await scene.ask_payfip()
    assert await balance(scene) == before
    scene.after(minutes=2)  # its lease has run out
    await scene.ask_payfip()
    assert await balance(scene) == ((PRICE, 0) if what == "take_back" else (0, 0))
    assert await scene.payment_status(payment_id) == ("failed" if what == "take_back" else "succeeded")
