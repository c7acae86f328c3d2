"""Whose things are whose: another family's are not found, on every route."""

import pytest
from chassis.identifiers import new_id
from contracts.caller import CallerRole

from services.billing.tests.billing_scene import Scene


async def test_another_familys_things_are_not_found(scene: Scene) -> None:
    _, invoice = await scene.opened()
    payment_id, _ = await scene.opened_payment(invoice)
    stranger = scene.diallo
    assert (await scene.ask("GET", f"/invoices/{invoice.id}", of=stranger))[0] == 404
    assert (await scene.ask("GET", f"/payments/{payment_id}", of=stranger))[0] == 404
    assert (await scene.pay(invoice, of=stranger))[0] == 404
    assert (await scene.ask("GET", "/invoices", of=stranger))[1] == {"items": [], "next_cursor": None}
    assert (await scene.ask("GET", "/balance", of=stranger))[1]["owed_cents"] == 0


async def test_one_foreign_invoice_among_ones_own_is_not_found(scene: Scene) -> None:
    _, own = await scene.opened()
    line = (scene.diallo.child_ids[0], scene.week_ids[0])
    _, foreign = await scene.opened(dossier_id=scene.diallo.dossier_id, lines=[line])
    assert (await scene.pay(own, foreign))[0] == 404


async def test_what_does_not_exist_is_not_found(scene: Scene) -> None:
    assert (await scene.ask("GET", f"/invoices/{new_id()}"))[0] == 404
    assert (await scene.ask("GET", f"/payments/{new_id()}"))[0] == 404
    assert (await scene.pay(new_id()))[0] == 404


async def test_a_cashier_reads_every_family(scene: Scene) -> None:
    _, invoice = await scene.opened()
    payment_id, _ = await scene.opened_payment(invoice)
    assert (await scene.ask("GET", f"/invoices/{invoice.id}", role="cashier"))[0] == 200
    assert (await scene.ask("GET", f"/payments/{payment_id}", role="cashier"))[0] == 200
    assert len((await scene.ask("GET", "/invoices", role="cashier"))[1]["items"]) == 1
    for status, found in (("to_pay", [str(invoice.id)]), ("settled", [])):
        _, page = await scene.ask("GET", f"/invoices?status={status}", role="cashier")
        assert [one["id"] for one in page["items"]] == found
    others = f"/invoices?dossier_id={scene.diallo.dossier_id}"
    assert (await scene.ask("GET", others, role="cashier"))[1]["items"] == []
    balance = f"/balance?dossier_id={scene.moreau.dossier_id}"
    assert (await scene.ask("GET", balance, role="cashier"))[1]["owed_cents"] == 8085


async def test_a_cashier_sees_what_their_regies_collect(scene: Scene) -> None:
    _, invoice = await scene.opened()
    payment_id, _ = await scene.opened_payment(invoice)
    seen = str(invoice.id)
    for regies, status, listed in ((("sport", "enfance"), 200, [seen]), (("sport",), 404, []), ((), 404, [])):
        for path in (f"/invoices/{invoice.id}", f"/payments/{payment_id}"):
            assert (await scene.ask("GET", path, role="cashier", regies=regies))[0] == status, (regies, path)
        for path in ("/invoices", f"/invoices?dossier_id={scene.moreau.dossier_id}"):
            _, page = await scene.ask("GET", path, role="cashier", regies=regies)
            assert [one["id"] for one in page["items"]] == listed, (regies, path)


async def test_an_agent_reads_every_familys_invoices_and_balance(scene: Scene) -> None:
    _, invoice = await scene.opened()
    assert (await scene.ask("GET", f"/invoices/{invoice.id}", role="agent"))[0] == 200
    assert len((await scene.ask("GET", "/invoices", role="agent"))[1]["items"]) == 1
    balance = f"/balance?dossier_id={scene.moreau.dossier_id}"
    assert (await scene.ask("GET", balance, role="agent"))[1]["owed_cents"] == 8085
    assert (await scene.ask("GET", "/balance", role="agent"))[0] == 422  # whose?


async def test_a_guardian_cannot_name_a_family(scene: Scene) -> None:
    assert (await scene.ask("GET", f"/invoices?dossier_id={scene.moreau.dossier_id}", of=scene.diallo))[0] == 422
    assert (await scene.ask("GET", f"/balance?dossier_id={scene.moreau.dossier_id}", of=scene.diallo))[0] == 422


@pytest.mark.parametrize("role", ["agent", "cashier", "site_staff", "administrator", "integrator"])
async def test_other_roles_do_not_pay(scene: Scene, role: CallerRole) -> None:
    _, invoice = await scene.opened()
    assert (await scene.pay(invoice, role=role))[0] == 403
    reads = role in ("agent", "cashier")
    assert (await scene.ask("GET", f"/invoices/{invoice.id}", role=role))[0] == (200 if reads else 403)


async def test_without_a_token_nothing_is_shown(scene: Scene) -> None:
    for path in ("/v1/invoices", "/v1/balance", f"/v1/payments/{new_id()}"):
        async with scene.client.get(path) as answer:
            assert answer.status == 401
