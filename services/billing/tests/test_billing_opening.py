"""Opening a payment: one at a time, on PayFiP's page, whoever asks again, late or at the same moment."""

import asyncio
from contextlib import suppress
from itertools import count

import pytest
from billing.ledger.models import Account
from billing.payments import payfip as payfip_service
from billing.payments.models import Payment
from billing.payments.opening import OPENING_TAKES, give_up_openings
from billing.settings import Settings
from chassis.idempotency import Once
from chassis.identifiers import new_id
from fastapi import Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.tests.billing_scene import ORIGIN, PayFiP, Scene, dossier

PRICE = 8085


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


async def test_the_browser_is_sent_back_to_the_payments_own_page(scene: Scene, payfip: PayFiP) -> None:
    _, invoice = await scene.opened()
    body = {"invoice_ids": [str(invoice.id)], "return_url": f"{ORIGIN}/paiements/{{payment_id}}"}
    status, answer = await scene.ask("POST", "/payments", body, key="k")
    assert status == 201
    idop = answer["redirect_url"].split("idop=")[1]
    assert (await payfip.payment(idop))["urlredirect"] == f"{ORIGIN}/paiements/{answer['payment_id']}"


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
