"""A booking's events, again, at once and in every order: one invoice of it lives."""

import asyncio
from itertools import permutations

import pytest
from billing.bookings.invoicing import PAYABLE_FOR
from billing.consumers import HANDLERS
from billing.copies import Reservations
from chassis.inbox import handle
from chassis.outbox import envelope
from chassis.parking import NotYetKnown
from contracts.billing import CreditGranted, InvoiceCancelled, InvoiceOpened
from contracts.planning import ReservationsChanged, ReservedDay
from sqlalchemy import select

from services.billing.tests.billing_scene import Scene
from tests.builders import changed, sample


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


async def test_a_booking_cancelled_before_payment_cancels_the_invoice(scene: Scene) -> None:
    booking, _ = await scene.opened()
    await scene.hear(scene.later(booking, "cancelled", reason="Annulée par la famille", refundable=True))
    invoice = await scene.invoice(booking)
    assert (invoice.status, invoice.number) == ("cancelled", None)
    (cancelled,) = await scene.published(InvoiceCancelled)
    assert cancelled.reason == "Annulée par la famille"
    assert await scene.published(CreditGranted) == []


async def test_the_reserved_days_of_a_month_are_those_of_the_newest_event(scene: Scene) -> None:
    newest = sample(ReservationsChanged, version=3)
    older = changed(newest, version=2, days=newest.days[:1])
    for event in (older, newest, newest, older):
        await scene.hear(event)
    async with scene.database.sessions() as session:
        (kept,) = await session.scalars(select(Reservations))
    assert (kept.id, kept.version, kept.child_id, kept.month) == (newest.reservations_id, 3, newest.child_id, "2026-12")
    assert tuple(map(ReservedDay.model_validate, kept.days)) == newest.days
    await scene.hear(changed(newest, version=4, days=()))
    async with scene.database.sessions() as session:
        assert await session.scalar(select(Reservations.days)) == []
