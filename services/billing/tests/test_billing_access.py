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
    others = f"/invoices?dossier_id={scene.diallo.dossier_id}"
    assert (await scene.ask("GET", others, role="cashier"))[1]["items"] == []
    balance = f"/balance?dossier_id={scene.moreau.dossier_id}"
    assert (await scene.ask("GET", balance, role="cashier"))[1]["owed_cents"] == 8085


async def test_a_guardian_cannot_name_a_family(scene: Scene) -> None:
    assert (await scene.ask("GET", f"/invoices?dossier_id={scene.moreau.dossier_id}", of=scene.diallo))[0] == 422
    assert (await scene.ask("GET", f"/balance?dossier_id={scene.moreau.dossier_id}", of=scene.diallo))[0] == 422


@pytest.mark.parametrize("role", ["agent", "site_staff", "administrator", "integrator"])
async def test_other_roles_do_not_pay(scene: Scene, role: CallerRole) -> None:
    _, invoice = await scene.opened()
    assert (await scene.pay(invoice, role=role))[0] == 403
    assert (await scene.ask("GET", f"/invoices/{invoice.id}", role=role))[0] == 403


async def test_without_a_token_nothing_is_shown(scene: Scene) -> None:
    for path in ("/v1/invoices", "/v1/balance", f"/v1/payments/{new_id()}"):
        async with scene.client.get(path) as answer:
            assert answer.status == 401
