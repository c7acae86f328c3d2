"""Money that is more, less, late or double."""

import asyncio
from uuid import UUID

from billing.ledger.models import Account
from billing.payments.payfip import Report
from billing.payments.rules import PaymentNews
from billing.payments.watching import apply
from chassis import clock
from contracts.billing import CreditGranted, InvoiceLapsed, InvoiceSettled, NoticeWritten

from services.billing.tests.billing_scene import PayFiP, Scene

PRICE = 8085


async def test_less_than_asked_is_credited_and_the_invoice_stays_to_pay(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    payment_id, idop = await scene.opened_payment(invoice)
    await payfip.decide(idop, "P", amount_cents=PRICE - 1)
    await scene.notify(idop)
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == "succeeded"
    assert (await scene.invoice(booking)).status == "to_pay"
    assert await scene.credit() == PRICE - 1
    notices = await scene.published(NoticeWritten)
    assert [one.desk for one in notices[-2:]] == [False, True]
    assert "encore à payer" in notices[-2].paragraphs[-1]
    (granted,) = await scene.published(CreditGranted)
    assert (granted.amount_cents, granted.booking_id) == (PRICE - 1, None)
    scene.after(minutes=21)
    await scene.lapse()
    assert (await scene.invoice(booking)).status == "lapsed"


async def test_more_than_asked_settles_and_the_rest_is_credited(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    _, idop = await scene.opened_payment(invoice)
    await payfip.decide(idop, "P", amount_cents=PRICE + 500)
    await scene.notify(idop)
    await scene.ask_payfip()
    assert (await scene.invoice(booking)).status == "settled"
    assert await scene.credit() == 500
    assert (await scene.published(NoticeWritten))[-1].desk


async def test_money_that_comes_after_the_invoice_lapsed_is_credited_for_the_booking(
    scene: Scene, payfip: PayFiP
) -> None:
    booking, invoice = await scene.opened()
    _, idop = await scene.opened_payment(invoice)
    scene.after(minutes=19)
    await scene.ask_payfip()
    await scene.lapse()
    scene.after(minutes=20, seconds=30)
    await scene.lapse()
    assert (await scene.invoice(booking)).status == "to_pay"  # the page may still be open: not asked since
    await scene.ask_payfip()
    await scene.lapse()
    assert (await scene.invoice(booking)).status == "lapsed"
    await payfip.decide(idop, "P")
    scene.after(hours=1)
    await scene.ask_payfip()
    (granted,) = await scene.published(CreditGranted)
    assert (granted.booking_id, granted.amount_cents) == (booking.booking_id, PRICE)
    assert await scene.credit() == PRICE

    await scene.hear(scene.later(booking, "confirmed", version=4))  # enrolment revives it: it is paid from the credit
    revived = await scene.invoice(booking)
    assert revived.booking
    assert (revived.booking.booking_version, revived.status) == (4, "settled")
    assert await scene.credit() == 0


async def test_money_for_a_cancelled_booking_is_credited_for_it(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    _, idop = await scene.opened_payment(invoice)
    await scene.hear(scene.later(booking, "cancelled"))
    await payfip.decide(idop, "P")
    await scene.notify(idop)
    await scene.ask_payfip()
    assert [one.booking_id for one in await scene.published(CreditGranted)] == [booking.booking_id]
    assert await scene.credit() == PRICE


async def test_a_payment_opened_last_minute_keeps_the_place_twenty_minutes_more(scene: Scene) -> None:
    booking, invoice = await scene.opened()
    scene.after(minutes=19)
    await scene.opened_payment(invoice)
    for minutes in (25, 38):
        scene.after(minutes=minutes)
        await scene.ask_payfip()
        await scene.lapse()
        assert (await scene.invoice(booking)).status == "to_pay"
    scene.after(minutes=40)
    await scene.ask_payfip()
    await scene.lapse()
    assert [one.booking_id for one in await scene.published(InvoiceLapsed)] == [booking.booking_id]


async def test_two_payments_of_one_debt_settle_it_once_and_credit_the_rest(scene: Scene, payfip: PayFiP) -> None:
    _, invoice = await scene.opened()
    _, one = await scene.opened_payment(invoice)
    scene.after(minutes=16)
    _, other = await scene.opened_payment(invoice)
    for idop in (one, other):
        await payfip.decide(idop, "P")
        await scene.notify(idop)
    await asyncio.gather(scene.ask_payfip(), scene.ask_payfip())
    assert len(await scene.published(InvoiceSettled)) == 1
    assert await scene.account(Account.PAYFIP) == 2 * PRICE
    assert await scene.credit() == PRICE
    assert [granted.booking_id for granted in await scene.published(CreditGranted)] == [None]
    assert (await scene.published(NoticeWritten))[-1].title == "Une somme est conservée à votre crédit"


async def test_two_late_payments_of_a_revived_booking_pay_it_once(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    _, one = await scene.opened_payment(invoice)
    scene.after(minutes=16)
    _, other = await scene.opened_payment(invoice)
    scene.after(minutes=40)
    await scene.ask_payfip()
    await scene.lapse()
    await payfip.decide(one, "P")
    await scene.notify(one)
    await scene.ask_payfip()
    await scene.hear(scene.later(booking, "confirmed", version=4))
    await payfip.decide(other, "P")
    await scene.notify(other)
    await scene.ask_payfip()
    assert [granted.booking_id for granted in await scene.published(CreditGranted)] == [booking.booking_id, None]
    assert await scene.credit() == PRICE


async def test_a_second_late_payment_before_the_revival_is_credit_and_the_family_is_told(
    scene: Scene, payfip: PayFiP
) -> None:
    booking, invoice = await scene.opened()
    _, one = await scene.opened_payment(invoice)
    scene.after(minutes=16)
    _, other = await scene.opened_payment(invoice)
    scene.after(minutes=40)
    await scene.ask_payfip()
    await scene.lapse()
    for idop in (one, other):
        await payfip.decide(idop, "P")
        await scene.notify(idop)
        await scene.ask_payfip()
    granted = [(one.amount_cents, one.booking_id) for one in await scene.published(CreditGranted)]
    assert granted == [(PRICE, booking.booking_id), (PRICE, None)]  # one chance to revive it, not two
    assert [notice.title for notice in await scene.published(NoticeWritten)][-1:] == [
        "Une somme est conservée à votre crédit"
    ]
    await scene.hear(scene.later(booking, "confirmed", version=4))
    assert (await scene.invoice(booking)).status == "settled"
    assert await scene.credit() == PRICE


async def test_a_payment_reported_again_changes_nothing(scene: Scene) -> None:
    _, invoice = await scene.opened()
    payment_id, _ = await scene.opened_payment(invoice)
    for news in (PaymentNews.PAID, PaymentNews.PAID, PaymentNews.REFUSED, PaymentNews.LEFT, PaymentNews.GONE):
        async with scene.database.sessions.begin() as session:
            report = Report(news, PRICE if news is PaymentNews.PAID else None)
            await apply(session, UUID(payment_id), report, clock.now(), None)
    assert await scene.payment_status(payment_id) == "succeeded"
    assert await scene.account(Account.PAYFIP) == PRICE
    assert len(await scene.published(InvoiceSettled)) == 1
