"""Told again: the régies; of invoices and credit nothing."""

from billing.main import SERVICE

from services.billing.tests.billing_scene import Scene
from tests.republishing import republish


async def test_the_regies_are_told_as_they_were_told_last_and_no_invoice(scene: Scene) -> None:
    await scene.opened()
    before, again = await republish(SERVICE, scene.database)
    assert {kind for kind, _ in again} == {"billing.regie_changed"}
    assert again.items() <= before.items()
