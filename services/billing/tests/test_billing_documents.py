"""Documents: settled at once or from credit, numbered, corrected by credit notes."""

import asyncio
from uuid import UUID

import pytest
from billing.ledger import books
from billing.ledger.models import Account
from billing.tariffs.models import TariffRow
from contracts.billing import CreditGranted, InvoiceSettled, NoticeWritten
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.tests.billing_scene import Scene


async def price_a_day(scene: Scene, cents: int) -> None:
    """From now on every week costs that a day, whatever the quotient."""
    rate = {"rate_percent": "0", "floor_cents": cents, "ceiling_cents": cents}
    await scene.change(update(TariffRow).values(childcare=rate, food=None))


async def test_nothing_to_pay_is_settled_and_numbered_at_once(scene: Scene) -> None:
    await price_a_day(scene, 0)
    _, invoice = await scene.opened()
    assert (invoice.status, invoice.amount_cents) == ("settled", 0)
    assert invoice.number == f"{invoice.opened_at:%Y}-ENFANCE-000001"
    assert [one.version for one in await scene.published(InvoiceSettled)] == [2]


async def test_less_than_a_euro_waits_for_the_months_invoice(scene: Scene) -> None:
    await price_a_day(scene, 19)
    _, invoice = await scene.opened()
    assert (invoice.status, invoice.amount_cents) == ("settled", 95)
    assert await scene.account(Account.DEFERRED) == 95
    assert await scene.account(Account.FAMILY) == 0
    _, balance = await scene.ask("GET", "/balance")
    owned = {"dossier_id": str(scene.moreau.dossier_id)}
    assert balance == owned | {"owed_cents": 0, "deferred_cents": 95, "credit_cents": 0}


async def test_exactly_a_euro_is_paid_online(scene: Scene) -> None:
    await price_a_day(scene, 20)
    _, invoice = await scene.opened()
    assert (invoice.status, invoice.amount_cents) == ("to_pay", 100)


async def test_a_credit_that_covers_the_whole_settles_it_at_once(scene: Scene) -> None:
    await scene.grant(8085)
    _, invoice = await scene.opened()
    assert invoice.status == "settled"
    assert await scene.credit() == 0
    receipt = (await scene.published(NoticeWritten))[0]
    assert receipt.title == f"Reçu de la facture {invoice.number}"
    assert "réglée avec le crédit" in receipt.paragraphs[0]


async def test_a_credit_that_does_not_cover_it_is_left_alone(scene: Scene) -> None:
    await scene.grant(8084)
    _, invoice = await scene.opened()
    assert invoice.status == "to_pay"
    assert await scene.credit() == 8084


async def test_without_the_familys_lock_a_credit_would_be_spent_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.grant(8085)
    both_have_read, read = asyncio.Barrier(2), books.credit

    async def read_together(session: AsyncSession, dossier_id: UUID) -> int:
        credit = await read(session, dossier_id)
        await both_have_read.wait()
        return credit

    async def no_lock(session: AsyncSession, dossier_id: UUID) -> None:
        pass

    monkeypatch.setattr(books, "credit", read_together)
    monkeypatch.setattr(books, "hold_family", no_lock)
    bookings = [scene.booking() for _ in range(2)]
    await asyncio.gather(*(scene.hear(booking) for booking in bookings))
    assert [(await scene.invoice(booking)).status for booking in bookings] == ["settled", "settled"]
    monkeypatch.undo()
    assert await scene.account(Account.CREDIT) == 8085  # spent, and not there


async def test_a_credit_is_never_spent_twice(scene: Scene) -> None:
    await scene.grant(8085)
    bookings = [scene.booking() for _ in range(6)]
    await asyncio.gather(*(scene.hear(booking) for booking in bookings))
    statuses = sorted([(await scene.invoice(booking)).status for booking in bookings])
    assert statuses == ["settled"] + ["to_pay"] * 5
    assert await scene.credit() == 0


async def test_another_familys_credit_is_not_touched(scene: Scene) -> None:
    await scene.grant(100_000, scene.diallo)
    _, invoice = await scene.opened()
    assert invoice.status == "to_pay"
    assert await scene.credit(scene.diallo) == 100_000


async def test_a_paid_booking_cancelled_in_time_is_corrected_by_a_credit_note(scene: Scene) -> None:
    await scene.grant(8085)
    booking, invoice = await scene.opened()
    cancelled = scene.later(booking, "cancelled", version=5, refundable=True, reason="Annulée dans les délais")
    await scene.hear(cancelled, times=2)
    settled, note = await scene.documents(booking)
    assert (settled.status, settled.number, settled.amount_cents) == ("settled", invoice.number, 8085)
    assert (note.kind, note.corrects_id, note.amount_cents) == ("credit_note", invoice.id, -8085)
    assert note.number == f"{note.opened_at:%Y}-ENFANCE-000002"
    assert [line.amount_cents for line in note.lines] == [-8085]
    assert await scene.credit() == 8085
    (granted,) = await scene.published(CreditGranted)
    assert (granted.amount_cents, granted.booking_id) == (8085, None)
    assert (await scene.published(NoticeWritten))[-1].title == f"Avoir {note.number}"


async def test_a_paid_booking_cancelled_late_gives_nothing(scene: Scene) -> None:
    await scene.grant(8085)
    booking, _ = await scene.opened()
    await scene.hear(scene.later(booking, "cancelled", refundable=False))
    assert len(await scene.documents(booking)) == 1
    assert await scene.credit() == 0
