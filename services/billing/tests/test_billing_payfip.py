"""PayFiP's web service: its contract, its answers, its mode."""

import asyncio
from itertools import islice

import pytest
from billing.payments import payfip as payfip_service
from billing.payments.payfip import Report, read
from billing.payments.rules import PaymentNews
from billing.settings import Settings
from pydantic import ValidationError

from services.billing.tests.billing_scene import PayFiP, Scene


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


def test_production_never_runs_in_payfips_test_mode(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    named = settings.model_dump() | {"trusted_proxies": "127.0.0.1", "payfip_saisie": "W"}
    with pytest.raises(ValidationError, match="nobody is charged"):
        Settings(**{name: value for name, value in named.items() if name != "payfip_saisie"})
    assert Settings(**named).payfip_saisie == "W"


def test_an_answer_that_is_not_understood_is_no_answer() -> None:
    assert read("P", "8085") == Report(PaymentNews.PAID, 8085)
    assert read("P", None) == read("P", "-1") == read("Q", "1") == read(None, None) == Report(PaymentNews.UNREACHABLE)
