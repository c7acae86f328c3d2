"""A dossier that is merged into another: the family of that one sees and pays what was the first's."""

from typing import Any

import pytest
from billing.invoices.models import Invoice
from billing.ledger import books
from billing.ledger.models import Account
from billing.merging import MERGING
from contracts.dossier import DossierChanged
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from services.billing.tests.billing_scene import Scene
from tests.builders import sample


def merged(scene: Scene, version: int = 9) -> DossierChanged:
    return sample(
        DossierChanged,
        dossier_id=scene.moreau.dossier_id,
        status="archived",
        adults=(),
        merged_into=scene.diallo.dossier_id,
        version=version,
    )


async def owed(scene: Scene) -> dict[str, Any]:
    status, answer = await scene.ask("GET", "/balance", of=scene.diallo)
    assert status == 200
    return dict(answer)


async def test_open_and_settled_invoices_and_credit_are_the_other_dossiers(scene: Scene) -> None:
    _, first = await scene.opened()
    _, second = await scene.opened(lines=[(scene.moreau.child_ids[1], scene.week_ids[0])])
    under_way = (await scene.opened_payment(second))[0]
    await scene.grant(150)
    before = await owed(scene)
    for _ in range(2):
        await scene.hear(merged(scene))
    assert (await owed(scene))["credit_cents"] == before["credit_cents"] + 150
    assert await scene.credit(scene.moreau) == 0
    _, page = await scene.ask("GET", "/invoices", of=scene.diallo)
    assert {one["id"] for one in page["items"]} == {str(first.id), str(second.id)}
    assert (await scene.ask("GET", f"/invoices/{first.id}"))[0] == 404
    assert (await scene.ask("GET", f"/payments/{under_way}", of=scene.diallo))[0] == 200
    # Late, and of the dossier that is no more.
    late, third = await scene.opened(lines=[(scene.moreau.child_ids[0], scene.week_ids[1])])
    assert (late.dossier_id, third.dossier_id) == (scene.moreau.dossier_id, scene.diallo.dossier_id)
    status, _ = await scene.pay(third, of=scene.diallo)
    assert status == 201


async def test_a_numbered_invoice_changes_in_nothing_else(scene: Scene) -> None:
    await scene.grant(1_000_000)
    _, invoice = await scene.opened()
    assert invoice.number
    numbered = update(Invoice).where(Invoice.id == invoice.id)
    with pytest.raises(DBAPIError, match="never changes"):  # not merged yet
        async with scene.database.sessions.begin() as session:
            await session.execute(numbered.values(dossier_id=scene.diallo.dossier_id))
    await scene.hear(merged(scene))
    _, page = await scene.ask("GET", "/invoices", of=scene.diallo)
    (seen,) = page["items"]
    assert (seen["number"], seen["payer_name"]) == (invoice.number, invoice.payer_name)
    with pytest.raises(DBAPIError, match="never changes"):
        async with scene.database.sessions.begin() as session:
            await session.execute(numbered.values(payer_name="Personne"))
    assert await scene.account(Account.FAMILY) == 0


async def test_what_was_under_way_is_the_other_dossiers_after_the_sweep(scene: Scene) -> None:
    await scene.hear(merged(scene))
    before = (await owed(scene))["credit_cents"]
    await scene.grant(150)
    for _ in range(2):
        await MERGING.sweep(scene.database, None)
    assert (await owed(scene))["credit_cents"] == before + 150
    async with scene.database.sessions.begin() as session:  # who holds the first, holds the other
        await books.hold_family(session, scene.moreau.dossier_id)
        held = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert await session.scalar(held) == 2
