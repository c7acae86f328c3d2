"""Payments at PayFiP, really spoken to: opened once, ended in every way, their money counted exactly once."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from uuid import UUID

import pytest
from billing.ledger.models import Account
from billing.payments import payfip as payfip_service
from billing.payments.models import Payment
from billing.payments.opening import OPENING_TAKES, give_up_openings
from billing.payments.payfip import Report, read
from billing.payments.rules import NEXT, PaymentNews, PaymentStatus, next_check, next_check_after
from billing.payments.watching import apply
from billing.settings import Settings
from chassis import clock
from chassis.idempotency import Once
from chassis.identifiers import new_id
from contracts.billing import CreditGranted, InvoiceLapsed, InvoiceSettled, NoticeWritten
from fastapi import Response
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.tests.billing_scene import ORIGIN, PayFiP, Scene, dossier

PRICE = 8085
OPENED_AT = datetime(2027, 3, 3, 10, 0, tzinfo=UTC)


# ---------------------------------------------------------------- opening


async def test_a_payment_is_opened_with_what_payfip_asks_for(scene: Scene, payfip: PayFiP) -> None:
    _, invoice = await scene.opened()
    status, answer = await scene.pay(invoice)
    assert status == 201
    page, idop = answer["redirect_url"].split("?idop=")
    assert page == scene.settings.payfip_page_url
    asked = await payfip.payment(idop)
    assert (asked["montant"], asked["numcli"], asked["saisie"]) == (PRICE, "090909", "T")
    assert asked["mel"] == "famille@example.org"
    assert asked["objet"] == "Espace Familles Regie Enfance et Education"
    assert asked["urlnotif"] == scene.settings.notification_url
    assert asked["urlredirect"] == f"{ORIGIN}/retour"
    _, shown = await scene.ask("GET", f"/payments/{answer['payment_id']}")
    assert shown["status"] == "pending"
    assert shown["redirect_url"] == answer["redirect_url"]
    assert (shown["amount_cents"], shown["invoice_ids"]) == (PRICE, [str(invoice.id)])


async def test_two_invoices_are_paid_at_once(scene: Scene, payfip: PayFiP) -> None:
    (first, invoice), (second, other) = await scene.opened(), await scene.opened()
    payment_id, idop = await scene.opened_payment(invoice, other)
    await payfip.decide(idop, "P")
    await scene.notify(idop)
    await scene.ask_payfip()
    assert await scene.payment_status(payment_id) == "succeeded"
    assert [(await scene.invoice(booking)).status for booking in (first, second)] == ["settled"] * 2
    assert await scene.account(Account.PAYFIP) == 2 * PRICE


async def test_the_same_request_again_gets_the_same_answer(scene: Scene) -> None:
    _, invoice = await scene.opened()
    assert await scene.pay(invoice, key="one") == await scene.pay(invoice, key="one")
    assert (await scene.ask("POST", "/payments", {"invoice_ids": [], "return_url": ORIGIN}, key="x"))[0] == 422
    assert (await scene.ask("POST", "/payments", {"invoice_ids": [str(invoice.id)], "return_url": ORIGIN}))[0] == 400


async def test_a_payment_still_open_is_given_again(scene: Scene) -> None:
    _, invoice = await scene.opened()
    _, first = await scene.pay(invoice)
    scene.after(minutes=14)
    assert await scene.pay(invoice) == (201, first)


async def test_requests_at_once_open_one_payment(scene: Scene) -> None:
    _, invoice = await scene.opened()
    answers = await asyncio.gather(*(scene.pay(invoice) for _ in range(8)))
    opened = {answer["payment_id"] for status, answer in answers if status == 201}
    assert len(opened) == 1
    assert {answer["type"] for status, answer in answers if status != 201} <= {
        "urn:problem:billing:payment-in-progress"
    }


async def test_the_same_key_at_once_is_one_effect_and_never_an_error(scene: Scene) -> None:
    """Also when a twin looks between the answer of PayFiP and its being kept."""
    for _ in range(8):
        _, invoice = await scene.opened()
        key = new_id().hex
        opening = [asyncio.create_task(scene.pay(invoice, key=key)) for _ in range(3)]
        while not any(task.done() and task.result()[0] == 201 for task in opening):
            opening += [asyncio.create_task(scene.pay(invoice, key=key)) for _ in range(3)]
            await asyncio.wait(opening[-2:], return_when=asyncio.FIRST_COMPLETED)
        answers = await asyncio.gather(*opening)
        assert {status for status, _ in answers} <= {201, 409}, answers
        assert len({answer["payment_id"] for status, answer in answers if status == 201}) == 1
        assert await scene.pay(invoice, key=key) == next(one for one in answers if one[0] == 201)


async def test_a_twin_that_looked_before_the_answer_was_kept_gives_the_kept_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, invoice = await scene.opened()
    asked, looked, kept = asyncio.Event(), asyncio.Event(), asyncio.Event()
    really_open, look, looks = payfip_service.open_payment, Once.stored, count(1)

    async def slow(settings: Settings, order: payfip_service.Order) -> str:
        idop = await really_open(settings, order)
        asked.set()
        await looked.wait()
        return idop

    async def stored(self: Once, session: AsyncSession) -> Response | None:
        found = await look(self, session)
        if (
            next(looks) == 2
        ):  # a request looks first before it asks PayFiP about older payments, then before it opens one
            looked.set()
            with suppress(TimeoutError):  # where both take one lock the answer is kept after us
                await asyncio.wait_for(kept.wait(), 1)
        return found

    monkeypatch.setattr(payfip_service, "open_payment", slow)
    opening = asyncio.create_task(scene.pay(invoice, key="same"))
    await asked.wait()
    monkeypatch.setattr(Once, "stored", stored)
    late = asyncio.create_task(scene.pay(invoice, key="same"))
    opening.add_done_callback(lambda _: kept.set())
    answer = await opening
    assert answer[0] == 201
    status, again = await late
    assert (status, again) == answer or status == 409
    assert await scene.pay(invoice, key="same") == answer


async def test_an_older_payment_is_asked_about_then_a_new_one_opened_and_both_watched(
    scene: Scene, payfip: PayFiP
) -> None:
    _, invoice = await scene.opened()
    _, old_idop = await scene.opened_payment(invoice)
    scene.after(minutes=16)
    _, new_idop = await scene.opened_payment(invoice)
    assert new_idop != old_idop
    assert (await payfip.payment(old_idop))["asked"] == 1
    scene.after(minutes=16, seconds=15)
    await scene.ask_payfip()
    assert [(await payfip.payment(idop))["asked"] for idop in (old_idop, new_idop)] == [2, 1]


async def test_an_older_payment_that_was_paid_needs_no_new_one(scene: Scene, payfip: PayFiP) -> None:
    booking, invoice = await scene.opened()
    _, old_idop = await scene.opened_payment(invoice)
    await payfip.decide(old_idop, "P")
    scene.after(minutes=16)
    status, problem = await scene.pay(invoice)
    assert (status, problem["type"]) == (409, "urn:problem:billing:already-settled")
    assert (await scene.invoice(booking)).status == "settled"


async def test_an_older_payment_in_doubt_is_not_doubled(scene: Scene, payfip: PayFiP) -> None:
    _, invoice = await scene.opened()
    await scene.opened_payment(invoice)
    scene.after(minutes=16)
    await payfip.fail("recupererDetailPaiementSecurise", "TechIndisponibiliteErreur")
    status, problem = await scene.pay(invoice)
    assert (status, problem["type"]) == (503, "urn:problem:billing:payfip-unavailable")
    assert "ne payez pas deux fois" in problem["detail"]


async def test_a_settled_invoice_is_not_paid_again(scene: Scene) -> None:
    await scene.grant(PRICE)
    _, invoice = await scene.opened()
    status, problem = await scene.pay(invoice)
    assert (status, problem["type"]) == (409, "urn:problem:billing:already-settled")


async def test_no_payment_is_opened_after_the_time_to_pay(scene: Scene) -> None:
    _, invoice = await scene.opened()
    scene.after(minutes=20)
    status, problem = await scene.pay(invoice)
    assert (status, problem["type"]) == (409, "urn:problem:billing:not-payable")


async def test_a_cancelled_invoice_is_not_paid_even_on_a_page_already_open(scene: Scene) -> None:
    booking, invoice = await scene.opened()
    await scene.opened_payment(invoice)
    await scene.hear(scene.later(booking, "cancelled"))
    status, problem = await scene.pay(invoice)
    assert (status, problem["type"]) == (409, "urn:problem:billing:not-payable")


@pytest.mark.parametrize(
    "address",
    [
        "https://espace.test.evil.example/",
        "https://espace.test@evil.example/",
        "http://espace.test/",
        "https://[espace.test/",  # no address at all
        "https://espace.test]/",
    ],
)
async def test_the_browser_is_sent_back_to_us_only(scene: Scene, address: str) -> None:
    _, invoice = await scene.opened()
    body = {"invoice_ids": [str(invoice.id)], "return_url": address}
    status, problem = await scene.ask("POST", "/payments", body, key="k")
    assert (status, problem["type"]) == (422, "urn:problem:billing:return-url-refused")


async def test_nobody_elses_address_goes_to_payfip(scene: Scene, payfip: PayFiP) -> None:
    _, invoice = await scene.opened()
    known = dossier(scene.moreau, "100042", "Moreau")
    claire = known.adults[0].model_copy(update={"email": None})
    aunt = claire.model_copy(update={"adult_id": new_id(), "roles": ("contact",), "email": "tante@example.org"})
    await scene.hear(known.model_copy(update={"version": 7, "adults": (claire, aunt)}))
    assert (await scene.pay(invoice))[1]["type"] == "urn:problem:billing:email-needed"
    payer = aunt.model_copy(update={"roles": ("payer",)})
    await scene.hear(known.model_copy(update={"version": 8, "adults": (claire, payer)}))
    _, idop = await scene.opened_payment(invoice)
    assert (await payfip.payment(idop))["mel"] == "tante@example.org"


async def test_without_an_address_the_family_is_told_what_is_missing(scene: Scene) -> None:
    _, invoice = await scene.opened()
    await scene.hear(dossier(scene.moreau, "100042", "Moreau", email=None))
    status, problem = await scene.pay(invoice)
    assert (status, problem["type"]) == (409, "urn:problem:billing:email-needed")


@pytest.mark.parametrize("fault", ["TechIndisponibiliteErreur", "http_500", "malformed"])
async def test_payfip_down_at_opening_fails_that_payment_and_the_next_try_succeeds(
    scene: Scene, payfip: PayFiP, fault: str
) -> None:
    _, invoice = await scene.opened()
    await payfip.fail("creerPaiementSecurise", fault)
    status, problem = await scene.pay(invoice, key="same")
    assert (status, problem["type"]) == (503, "urn:problem:billing:payfip-unavailable")
    assert "Votre place est gardée" in problem["detail"]
    async with scene.database.sessions() as session:
        assert list(await session.scalars(select(Payment.status))) == ["failed"]
    await payfip.recover()
    assert (await scene.pay(invoice, key="same"))[0] == 201


async def test_a_reading_of_the_contract_that_hangs_holds_up_no_other_payment(
    scene: Scene, payfip: PayFiP, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoices = [(await scene.opened())[1] for _ in range(3)]
    monkeypatch.setattr(payfip_service, "_clients", {})
    await payfip.fail("wsdl", "timeout", times=1)
    async with asyncio.timeout(10):  # sooner than the reading that hangs gives up
        waiting = [asyncio.create_task(scene.pay(invoice)) for invoice in invoices]
        for opened in islice(asyncio.as_completed(waiting), 2):
            assert (await opened)[0] == 201
    (hung,) = (task for task in waiting if not task.done())
    await payfip.recover()
    assert (await hung)[0] == 201


async def test_a_contract_that_cannot_be_read_is_read_again_by_the_next(
    scene: Scene, payfip: PayFiP, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, invoice = await scene.opened()
    monkeypatch.setattr(payfip_service, "_clients", {})
    await payfip.fail("wsdl", "http_500", times=1)
    assert (await scene.pay(invoice))[0] == 503
    assert (await scene.pay(invoice))[0] == 201


async def test_an_opening_whose_process_died_is_given_up_and_another_opened(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, invoice = await scene.opened()

    async def dies(settings: Settings, order: payfip_service.Order) -> str:
        raise KeyError("killed here")

    with monkeypatch.context() as patched:
        patched.setattr(payfip_service, "open_payment", dies)
        assert (await scene.pay(invoice))[0] == 500
    status, problem = await scene.pay(invoice)
    assert (status, problem["type"]) == (409, "urn:problem:billing:payment-in-progress")
    scene.after(seconds=OPENING_TAKES.total_seconds() + 1)
    await give_up_openings(scene.database, scene.settings)
    assert (await scene.pay(invoice))[0] == 201


async def test_an_opening_given_up_too_soon_is_never_shown(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    _, invoice = await scene.opened()
    really_open = payfip_service.open_payment

    async def slow(settings: Settings, order: payfip_service.Order) -> str:
        scene.after(minutes=3)
        await give_up_openings(scene.database, scene.settings)
        return await really_open(settings, order)

    monkeypatch.setattr(payfip_service, "open_payment", slow)
    assert (await scene.pay(invoice))[0] == 503


# ---------------------------------------------------------------- ends


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


# ---------------------------------------------------------------- amounts, lateness, doubles


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


# ---------------------------------------------------------------- pure rules


def test_money_counts_whatever_was_believed_before() -> None:
    for status, moves in NEXT.items():
        if status not in (PaymentStatus.OPENING, PaymentStatus.SUCCEEDED):
            assert moves[PaymentNews.PAID] is PaymentStatus.SUCCEEDED
            assert moves[PaymentNews.DEBITED] is PaymentStatus.SUCCEEDED
    assert NEXT[PaymentStatus.SUCCEEDED] == {PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED}


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(0), timedelta(seconds=10)),
        (timedelta(minutes=19, seconds=59), timedelta(seconds=10)),
        (timedelta(minutes=20), timedelta(minutes=2)),
        (timedelta(hours=2), timedelta(hours=1)),
        (timedelta(days=3), timedelta(hours=1)),
    ],
)
def test_payfip_is_asked_often_then_less_and_less(age: timedelta, wait: timedelta) -> None:
    now = OPENED_AT + age
    assert next_check(OPENED_AT, now) == now + wait


def test_asking_ends_when_there_is_nothing_more_to_learn() -> None:
    late = OPENED_AT + timedelta(hours=2)
    old = OPENED_AT + timedelta(days=60)

    def asked(status: PaymentStatus, news: PaymentNews, now: datetime, **facts: bool) -> datetime | None:
        return next_check_after(status, OPENED_AT, news, now, **facts)

    succeeded, failed = PaymentStatus.SUCCEEDED, PaymentStatus.FAILED
    abandoned, uncertain = PaymentStatus.ABANDONED, PaymentStatus.UNCERTAIN
    assert asked(succeeded, PaymentNews.PAID, OPENED_AT) is None
    assert asked(abandoned, PaymentNews.GONE, OPENED_AT) is None
    assert asked(abandoned, PaymentNews.LEFT, late) is None
    assert asked(failed, PaymentNews.REFUSED, late - timedelta(seconds=1)) is not None
    assert asked(uncertain, PaymentNews.BROKEN, late) == late + timedelta(minutes=30)
    assert asked(uncertain, PaymentNews.UNREACHABLE, late) == late + timedelta(hours=1)
    for news in (PaymentNews.DEBITED, PaymentNews.UNREACHABLE, PaymentNews.BROKEN):
        before = old - timedelta(seconds=1)
        assert asked(succeeded, news, before, is_debit=True) == before + timedelta(hours=12)
        assert asked(succeeded, news, old, is_debit=True) is None
    assert asked(failed, PaymentNews.DEBIT_REFUSED, OPENED_AT, is_debit=True, returned=True) is None


def test_production_never_runs_in_payfips_test_mode(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    named = settings.model_dump() | {"trusted_proxies": "127.0.0.1", "payfip_saisie": "W"}
    with pytest.raises(ValidationError, match="nobody is charged"):
        Settings(**{name: value for name, value in named.items() if name != "payfip_saisie"})
    assert Settings(**named).payfip_saisie == "W"


def test_an_answer_that_is_not_understood_is_no_answer() -> None:
    assert read("P", "8085") == Report(PaymentNews.PAID, 8085)
    assert read("P", None) == read("P", "-1") == read("Q", "1") == read(None, None) == Report(PaymentNews.UNREACHABLE)
