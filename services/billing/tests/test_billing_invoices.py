"""Invoices: one a confirmed booking whatever the order of events, settled, lapsed, cancelled, corrected."""

import asyncio
from itertools import permutations
from uuid import UUID

import pytest
from billing.bookings.invoicing import PAYABLE_FOR
from billing.consumers import HANDLERS
from billing.ledger import books
from billing.ledger.models import Account
from billing.tariffs.models import TariffRow
from chassis.inbox import handle
from chassis.outbox import envelope
from chassis.parking import NotYetKnown
from contracts.billing import (
    CreditGranted,
    InvoiceCancelled,
    InvoiceLapsed,
    InvoiceOpened,
    InvoiceSettled,
    NoticeWritten,
)
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.billing.tests.billing_scene import Scene


async def price_a_day(scene: Scene, cents: int) -> None:
    """From now on every week costs that a day, whatever the quotient."""
    rate = {"rate_percent": "0", "floor_cents": cents, "ceiling_cents": cents}
    await scene.change(update(TariffRow).values(childcare=rate, food=None))


async def test_a_confirmed_booking_opens_an_invoice_with_copied_lines(scene: Scene) -> None:
    (ines, tom), (first, second, _) = scene.moreau.child_ids, scene.week_ids
    booking, invoice = await scene.opened(lines=[(ines, first), (tom, second)])
    assert (invoice.status, invoice.number, invoice.amount_cents) == ("to_pay", None, 2 * 8085)
    assert invoice.payable_until == invoice.opened_at + PAYABLE_FOR
    assert [(line.child_name, line.amount_cents, line.childcare_cents) for line in invoice.lines] == [
        ("Inès Moreau", 8085, 6370),
        ("Tom Moreau", 8085, 6370),
    ]
    assert invoice.lines[0].label == "Accueil de loisirs La Bièvre, semaine du lundi"
    assert invoice.payer_name == "Claire Moreau"
    assert invoice.payer_address == "27 rue du Lavoir, 94990 Villeneuve-sur-Bièvre"
    (opened,) = await scene.published(InvoiceOpened)
    assert (opened.booking_id, opened.booking_version) == (booking.booking_id, booking.version)
    assert (opened.version, opened.payable_until) == (1, invoice.payable_until)


async def test_the_same_event_three_times_opens_one_invoice(scene: Scene) -> None:
    booking = scene.booking()
    await scene.hear(booking, times=2)
    await scene.hear(booking)  # published again, under another id
    assert len(await scene.documents(booking)) == 1
    assert len(await scene.published(InvoiceOpened)) == 1


async def test_the_same_event_at_two_workers_at_once_opens_one_invoice(scene: Scene) -> None:
    booking = scene.booking()
    bodies = [envelope(booking).model_dump_json().encode() for _ in range(5)]
    await asyncio.gather(*(handle(scene.database, body, HANDLERS) for body in bodies * 2))
    assert len(await scene.documents(booking)) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_confirmed_cancelled_and_older_news_in_every_order_leave_nothing_to_pay(
    scene: Scene, order: tuple[int, ...]
) -> None:
    confirmed = scene.booking()
    events = [confirmed, scene.later(confirmed, "cancelled", version=3), scene.later(confirmed, "expired", version=1)]
    for index in order:
        await scene.hear(events[index])
    assert [one.status for one in await scene.documents(confirmed)] in ([], ["cancelled"])
    opened, cancelled = await scene.published(InvoiceOpened), await scene.published(InvoiceCancelled)
    assert len(opened) == len(cancelled)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_revived_booking_has_one_live_invoice_in_every_order(scene: Scene, order: tuple[int, ...]) -> None:
    confirmed = scene.booking()
    events = [confirmed, scene.later(confirmed, "expired", version=3), scene.later(confirmed, "confirmed", version=4)]
    for index in order:
        await scene.hear(events[index])
        if index == 0 and order.index(0) < order.index(2):
            scene.after(minutes=21)
            await scene.lapse()  # what a booking expires on
    documents = await scene.documents(confirmed)
    live = [one.booking and one.booking.booking_version for one in documents if one.status == "to_pay"]
    assert live == [4]


async def test_an_event_before_its_copies_waits_for_them(scene: Scene) -> None:
    stranger = scene.booking(dossier_id=scene.week_ids[0])
    with pytest.raises(NotYetKnown) as wanted:
        await scene.hear(stranger)
    assert (wanted.value.kind, wanted.value.key) == ("dossiers", stranger.dossier_id)
    assert await scene.documents(stranger) == []


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


async def test_a_booking_cancelled_before_payment_cancels_the_invoice(scene: Scene) -> None:
    booking, _ = await scene.opened()
    await scene.hear(scene.later(booking, "cancelled", reason="Annulée par la famille", refundable=True))
    invoice = await scene.invoice(booking)
    assert (invoice.status, invoice.number) == ("cancelled", None)
    (cancelled,) = await scene.published(InvoiceCancelled)
    assert cancelled.reason == "Annulée par la famille"
    assert await scene.published(CreditGranted) == []


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
    assert balance == {"owed_cents": 0, "deferred_cents": 95, "credit_cents": 0}


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


async def test_a_list_goes_on_where_its_cursor_says(scene: Scene) -> None:
    ids = [str((await scene.opened())[1].id) for _ in range(3)]
    _, page = await scene.ask("GET", "/invoices?limit=2")
    assert [one["id"] for one in page["items"]] == [ids[2], ids[1]]
    _, rest = await scene.ask("GET", f"/invoices?limit=2&cursor={page['next_cursor']}")
    assert [one["id"] for one in rest["items"]] == [ids[0]]
    assert rest["next_cursor"] is None


async def test_an_invoice_shows_its_lines_and_why(scene: Scene) -> None:
    _, invoice = await scene.opened()
    status, shown = await scene.ask("GET", f"/invoices/{invoice.id}")
    assert (status, shown["status"], shown["number"], shown["repriced"]) == (200, "to_pay", None, True)
    (line,) = shown["lines"]
    assert line["child_name"] == "Inès Moreau"
    assert len(line["dates"]) == 5
    assert "de votre quotient 980" in line["explanation"]
