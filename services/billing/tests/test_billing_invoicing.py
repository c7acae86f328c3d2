"""What a booking's events do to its invoices: lines cancelled one by one, refusals, and every order to one end."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from billing.invoices.models import InvoiceLine
from billing.ledger.models import Account
from billing.tariffs.models import TariffRow
from chassis import clock
from chassis.identifiers import new_id
from contracts.billing import (
    CreditGranted,
    InvoiceCancelled,
    InvoiceOpened,
    InvoiceRefused,
    InvoiceSettled,
    NoticeWritten,
)
from contracts.enrolment import Booking
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from services.billing.tests.billing_scene import PayFiP, Scene, activity, dossier

PRICE = 8085


def two_lines(scene: Scene, **changes: Any) -> Booking:
    (ines, tom), week = scene.moreau.child_ids, scene.week_ids[0]
    return scene.booking(lines=[(ines, week), (tom, week)], **changes)


async def all_is_zero(scene: Scene) -> None:
    assert sum([await scene.account(account) for account in Account]) == 0
    assert await scene.account(Account.FAMILY) == 0


# ---------------------------------------------------------------- lines cancelled before they are paid


async def test_a_line_cancelled_before_payment_leaves_the_others_to_pay_at_their_price(scene: Scene) -> None:
    booking = two_lines(scene)
    await scene.hear(booking)
    old = await scene.invoice(booking)
    scene.after(minutes=5)
    await scene.hear(scene.later(booking, "confirmed", drop=[0], reason="Annulée par la famille"), times=2)
    cancelled, new = await scene.documents(booking)
    assert (cancelled.id, cancelled.status, new.status) == (old.id, "cancelled", "to_pay")
    assert (new.amount_cents, [line.position for line in new.lines]) == (PRICE, [1])
    assert new.payable_until == old.payable_until  # cancelling buys no time
    assert [(one.booking_version, one.amount_cents) for one in await scene.published(InvoiceCancelled)] == [
        (2, 2 * PRICE)
    ]
    first, second = await scene.published(InvoiceOpened)
    assert [[line.position for line in one.lines] for one in (first, second)] == [[0, 1], [1]]
    assert [line.amount_cents for line in first.lines] == [PRICE, PRICE]
    assert (second.booking_version, second.amount_cents) == (3, PRICE)
    assert (await scene.ask("GET", "/balance"))[1]["owed_cents"] == PRICE


async def test_the_price_shown_stays_though_it_has_changed_since(scene: Scene) -> None:
    booking = two_lines(scene)
    await scene.hear(booking)
    await scene.quotient(scene.moreau, 2000, version=3)
    await scene.hear(scene.later(booking, "confirmed", drop=[1]))
    assert (await scene.invoice(booking)).amount_cents == PRICE


async def test_money_on_its_way_for_two_lines_pays_the_one_that_stands_and_the_rest_is_credit(
    scene: Scene, payfip: PayFiP
) -> None:
    booking = two_lines(scene)
    await scene.hear(booking)
    _, idop = await scene.opened_payment(await scene.invoice(booking))
    await scene.hear(scene.later(booking, "confirmed", drop=[1]))
    await payfip.decide(idop, "P")
    await scene.notify(idop)
    await scene.ask_payfip()
    paid = await scene.invoice(booking)
    assert (paid.status, paid.amount_cents) == ("settled", PRICE)
    assert [one.invoice_id for one in await scene.published(InvoiceSettled)] == [paid.id]
    assert [(one.amount_cents, one.booking_id) for one in await scene.published(CreditGranted)] == [(PRICE, None)]
    assert (await scene.published(NoticeWritten))[-1].title == "Une somme est conservée à votre crédit"
    assert await scene.credit() == PRICE
    await all_is_zero(scene)


async def test_a_payment_open_on_the_replaced_invoice_keeps_the_new_one_from_lapsing(scene: Scene) -> None:
    booking = two_lines(scene)
    await scene.hear(booking)
    scene.after(minutes=19)
    await scene.opened_payment(await scene.invoice(booking))
    await scene.hear(scene.later(booking, "confirmed", drop=[1]))
    scene.after(minutes=38)
    await scene.ask_payfip()
    await scene.lapse()
    assert (await scene.invoice(booking)).status == "to_pay"
    scene.after(minutes=40)
    await scene.ask_payfip()
    await scene.lapse()
    assert (await scene.invoice(booking)).status == "lapsed"


async def test_late_money_for_a_replaced_invoice_that_lapsed_is_for_the_lines_that_stood(
    scene: Scene, payfip: PayFiP
) -> None:
    booking = two_lines(scene)
    await scene.hear(booking)
    _, idop = await scene.opened_payment(await scene.invoice(booking))
    await scene.hear(scene.later(booking, "confirmed", drop=[1]))
    scene.after(minutes=41)
    await scene.ask_payfip()
    await scene.lapse()
    await payfip.decide(idop, "P")
    await scene.notify(idop)
    await scene.ask_payfip()
    granted = [(one.amount_cents, one.booking_id) for one in await scene.published(CreditGranted)]
    assert granted == [(PRICE, booking.booking_id), (PRICE, None)]
    assert await scene.credit() == 2 * PRICE


async def test_a_new_payment_after_a_line_was_cancelled_asks_for_what_stands(scene: Scene, payfip: PayFiP) -> None:
    booking = two_lines(scene)
    await scene.hear(booking)
    old = await scene.invoice(booking)
    payment_id, old_idop = await scene.opened_payment(old)
    await scene.hear(scene.later(booking, "confirmed", drop=[1]))
    assert (await scene.pay(old))[1]["type"] == "urn:problem:billing:not-payable"
    assert (await scene.ask("GET", f"/payments/{payment_id}"))[1]["redirect_url"] is None  # no page for what is void
    _, idop = await scene.opened_payment(await scene.invoice(booking))
    assert [(await payfip.payment(one))["montant"] for one in (old_idop, idop)] == [2 * PRICE, PRICE]


async def test_every_line_cancelled_before_payment_leaves_nothing_to_pay(scene: Scene) -> None:
    booking = two_lines(scene)
    await scene.hear(booking)
    changed = scene.later(booking, "confirmed", drop=[1])
    await scene.hear(changed)
    await scene.hear(scene.later(changed, "cancelled"))
    assert [one.status for one in await scene.documents(booking)] == ["cancelled", "cancelled"]
    assert (await scene.ask("GET", "/balance"))[1]["owed_cents"] == 0


# ---------------------------------------------------------------- lines cancelled after they are paid


async def test_paid_lines_cancelled_one_by_one_have_a_credit_note_each(scene: Scene) -> None:
    await scene.grant(2 * PRICE)
    booking = two_lines(scene)
    await scene.hear(booking)
    one_left = scene.later(booking, "paid", drop=[0], version=4)
    await scene.hear(one_left, times=2)
    assert await scene.credit() == PRICE
    await scene.hear(scene.later(one_left, "cancelled"), times=2)
    invoice, first, second = await scene.documents(booking)
    assert (invoice.status, invoice.amount_cents) == ("settled", 2 * PRICE)
    assert [(note.corrects_id, note.amount_cents) for note in (first, second)] == [(invoice.id, -PRICE)] * 2
    assert [[line.corrects_position for line in note.lines] for note in (first, second)] == [[0], [1]]
    assert len({invoice.number, first.number, second.number}) == 3
    assert await scene.credit() == 2 * PRICE
    await all_is_zero(scene)


async def test_a_paid_line_cancelled_late_gives_nothing_and_the_other_in_time_its_price(scene: Scene) -> None:
    await scene.grant(2 * PRICE)
    booking = two_lines(scene)
    await scene.hear(booking)
    late = scene.later(booking, "paid", drop=[0], refundable=False, version=4)
    await scene.hear(late)
    assert await scene.credit() == 0
    await scene.hear(scene.later(late, "cancelled"))
    note = await scene.invoice(booking)
    assert [line.corrects_position for line in note.lines] == [1]
    assert await scene.credit() == PRICE


async def test_an_absence_justified_later_is_corrected_then(scene: Scene) -> None:
    await scene.grant(2 * PRICE)
    booking = two_lines(scene)
    await scene.hear(booking)
    late = scene.later(booking, "paid", drop=[0], refundable=False, version=4)
    await scene.hear(late)
    lines = [line.model_copy(update={"refundable": line.position == 0}) for line in late.lines]
    await scene.hear(late.model_copy(update={"version": 5, "lines": tuple(lines)}))
    assert await scene.credit() == PRICE


async def test_the_database_holds_that_no_line_is_corrected_twice(scene: Scene) -> None:
    await scene.grant(PRICE)
    booking, invoice = await scene.opened()
    await scene.hear(scene.later(booking, "cancelled"))
    theirs = (scene.diallo.child_ids[0], scene.week_ids[0])
    _, unpaid = await scene.opened(dossier_id=scene.diallo.dossier_id, lines=[theirs])
    again = invoice.lines[0].values() | {"position": 7}
    async with scene.database.sessions() as session:
        line = InvoiceLine(invoice_id=unpaid.id, corrects_invoice_id=invoice.id, corrects_position=0, **again)
        session.add(line)
        with pytest.raises(IntegrityError, match="uq_invoice_lines_corrects_invoice_id_corrects_position"):
            await session.flush()
    async with scene.database.sessions() as session:  # the control: a line of the other one may be
        session.add(InvoiceLine(invoice_id=unpaid.id, **again))
        await session.flush()


async def test_a_line_cancelled_while_its_money_was_on_its_way_is_given_back(scene: Scene, payfip: PayFiP) -> None:
    """Cancelled at enrolment, paid here, and only then heard of."""
    booking = two_lines(scene)
    await scene.hear(booking)
    _, idop = await scene.opened_payment(await scene.invoice(booking))
    changed = scene.later(booking, "confirmed", drop=[1])
    await payfip.decide(idop, "P")
    await scene.notify(idop)
    await scene.ask_payfip()
    await scene.hear(changed)
    invoice, note = await scene.documents(booking)
    assert (invoice.status, note.amount_cents) == ("settled", -PRICE)
    assert await scene.credit() == PRICE


# ---------------------------------------------------------------- every order, one end


async def deliver(scene: Scene, events: Sequence[Booking]) -> None:
    """Each of them twice, the second time later on."""
    for index, event in enumerate(events):
        await scene.hear(event)
        await scene.hear(events[index // 2])


@pytest.mark.parametrize("first", [0, 1])
async def test_a_paid_bookings_events_in_every_order_end_alike(scene: Scene, first: int) -> None:
    """Settled from credit, which enrolment can say only after the confirmation, or its change, was heard here."""
    for rest in permutations([index for index in range(5) if index != first]):
        before = await scene.credit()
        await scene.grant(3 * PRICE - before)
        (ines, tom), week = scene.moreau.child_ids, scene.week_ids[0]
        lines = [(ines, week), (tom, week), (ines, scene.week_ids[1])]
        confirmed = scene.booking(lines=lines)
        changed = scene.later(confirmed, "confirmed", drop=[0])
        paid = scene.later(changed, "paid")
        paid_changed = scene.later(paid, "paid", drop=[1])
        cancelled = scene.later(paid_changed, "cancelled", refundable=False)
        events = [confirmed, changed, paid, paid_changed, cancelled]
        await deliver(scene, [events[index] for index in (first, *rest)])
        documents = await scene.documents(confirmed)
        corrected = Counter(line.corrects_position for one in documents for line in one.lines if one.corrects_id)
        assert corrected == ({0: 1, 1: 1} if first == 0 else {1: 1}), rest
        assert sum(one.amount_cents for one in documents) == PRICE, rest  # the last one was cancelled too late
        assert {one.status for one in documents} == {"settled"}
        assert await scene.credit() == 2 * PRICE
        await all_is_zero(scene)


@pytest.mark.parametrize("first", [0, 1])
async def test_an_expired_and_revived_bookings_events_in_every_order_end_alike(scene: Scene, first: int) -> None:
    minutes = 0
    for rest in permutations([index for index in range(5) if index != first]):
        confirmed = two_lines(scene)
        changed = scene.later(confirmed, "confirmed", drop=[0])
        expired = scene.later(changed, "expired")
        revived = scene.later(expired, "confirmed")
        news = scene.later(revived, "confirmed", pay_by=clock.now() + timedelta(days=9), version=6)
        events = [confirmed, changed, expired, revived, news.model_copy(update={"confirmed_version": 5})]
        await scene.hear(events[first])
        minutes += 21
        scene.after(minutes=minutes)
        await scene.lapse()  # what it expires on
        await deliver(scene, [events[index] for index in (first, *rest)])
        to_pay = [one for one in await scene.documents(confirmed) if one.status == "to_pay"]
        assert [(one.amount_cents, [line.position for line in one.lines]) for one in to_pay] == [(PRICE, [1])], rest
        assert to_pay[0].booking
        assert to_pay[0].booking.confirmed_version == 5
        await scene.hear(scene.later(events[-1], "cancelled"))
        balance = (await scene.ask("GET", "/balance"))[1]
        assert balance.pop("dossier_id") == str(scene.moreau.dossier_id)
        assert balance == {"owed_cents": 0, "deferred_cents": 0, "credit_cents": 0}


async def test_a_change_heard_after_the_invoice_lapsed_opens_nothing(scene: Scene) -> None:
    booking = two_lines(scene)
    await scene.hear(booking)
    scene.after(minutes=21)
    await scene.lapse()
    changed = scene.later(booking, "confirmed", drop=[0])
    await scene.hear(changed)
    assert [one.status for one in await scene.documents(booking)] == ["lapsed"]
    expired = scene.later(changed, "expired")
    await scene.hear(expired)
    await scene.hear(scene.later(expired, "confirmed"))  # the control: revived, it has another
    assert [one.status for one in await scene.documents(booking)] == ["lapsed", "to_pay"]


# ---------------------------------------------------------------- refusals


async def refused(scene: Scene, booking: Booking) -> str:
    """The reason of the one refusal, nothing being left half."""
    await scene.hear(booking, times=2)
    await scene.hear(booking)  # published again, under another id
    assert await scene.documents(booking) == []
    assert await scene.published(InvoiceOpened) == []
    (said,) = await scene.published(InvoiceRefused)
    assert (said.booking_id, said.version, said.dossier_id) == (booking.booking_id, booking.version, booking.dossier_id)
    assert (await scene.ask("GET", "/balance"))[1]["owed_cents"] == 0
    return said.reason


async def test_a_booking_without_a_tariff_is_refused_once(scene: Scene) -> None:
    await scene.change(delete(TariffRow))
    assert "Aucun tarif" in await refused(scene, scene.booking())


async def test_a_tariff_that_begins_later_is_none(scene: Scene) -> None:
    await scene.change(update(TariffRow).values(valid_from=clock.now().date() + timedelta(days=900)))
    assert "Aucun tarif" in await refused(scene, scene.booking())


async def test_a_booking_of_two_regies_is_refused(scene: Scene) -> None:
    other = activity().model_copy(update={"activity_id": new_id(), "regie": "culture"})
    await scene.hear(other)
    booking = two_lines(scene)
    lines = (booking.lines[0], booking.lines[1].model_copy(update={"activity_id": other.activity_id}))
    assert "même régie" in await refused(scene, booking.model_copy(update={"lines": lines}))


async def test_an_activity_of_a_regie_nobody_knows_is_refused(scene: Scene) -> None:
    await scene.hear(activity().model_copy(update={"version": 2, "regie": "culture"}))
    assert "Aucune régie" in await refused(scene, scene.booking())


async def test_a_dossier_without_a_payer_is_refused(scene: Scene) -> None:
    known = dossier(scene.moreau, "100042", "Moreau")
    adult = known.adults[0].model_copy(update={"roles": ("legal_guardian",)})
    await scene.hear(known.model_copy(update={"version": 7, "adults": (adult,)}))
    assert "qui paie les factures" in await refused(scene, scene.booking())


async def test_a_refused_booking_cancelled_then_stays_without_an_invoice(scene: Scene) -> None:
    await scene.change(delete(TariffRow))
    booking = scene.booking()
    await refused(scene, booking)
    await scene.hear(scene.later(booking, "cancelled"))
    await refused(scene, booking)


# ---------------------------------------------------------------- the desk's end


async def test_a_desk_booking_is_payable_until_the_end_the_desk_gave(scene: Scene, payfip: PayFiP) -> None:
    pay_by = clock.now() + timedelta(days=3)
    booking, invoice = await scene.opened(pay_by=pay_by)
    assert invoice.payable_until == pay_by
    scene.after(days=2)
    await scene.lapse()
    _, idop = await scene.opened_payment(invoice)
    await payfip.decide(idop, "P")
    await scene.notify(idop)
    await scene.ask_payfip()
    assert (await scene.invoice(booking)).status == "settled"


async def test_an_end_that_is_already_past_leaves_the_usual_twenty_minutes(scene: Scene) -> None:
    booking, invoice = await scene.opened(pay_by=clock.now() - timedelta(hours=1))
    assert invoice.payable_until == invoice.opened_at + timedelta(minutes=20)
    scene.after(minutes=21)
    await scene.lapse()
    assert (await scene.invoice(booking)).status == "lapsed"
