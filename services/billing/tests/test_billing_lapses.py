"""An invoice that nobody paid lapses."""

import asyncio

from contracts.billing import InvoiceLapsed

from services.billing.tests.billing_scene import Scene


async def test_an_unpaid_invoice_lapses_after_twenty_minutes(scene: Scene) -> None:
    booking, invoice = await scene.opened()
    scene.after(minutes=19, seconds=50)
    await scene.lapse()
    assert (await scene.invoice(booking)).status == "to_pay"
    scene.after(minutes=20, seconds=1)
    await asyncio.gather(scene.lapse(), scene.lapse())
    assert (await scene.invoice(booking)).status == "lapsed"
    (lapsed,) = await scene.published(InvoiceLapsed)
    assert (lapsed.invoice_id, lapsed.version, lapsed.number) == (invoice.id, 2, None)
