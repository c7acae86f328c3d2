"""Our books equal what happened: families book, change, pay, cancel; PayFiP answers late, twice, otherwise; events come
late, again, in disorder; and after every step and at the end every cent is where it should be."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from billing.invoices.models import Invoice, InvoiceState
from billing.ledger.models import Account
from contracts.billing import CreditGranted, InvoiceLapsed, InvoiceSettled
from contracts.enrolment import Booking
from sqlalchemy import func, select

from services.billing.tests.billing_scene import PayFiP, Scene

PRICE = 8085
MONEY = ("P", "V")


@dataclass
class Enrolment:
    """What enrolment does, as far as billing sees it; what it has said and billing not heard yet lies in `sent`."""

    scene: Scene
    draw: random.Random
    bookings: dict[UUID, Booking] = field(default_factory=dict)
    sent: list[Booking] = field(default_factory=list)
    heard: list[Booking] = field(default_factory=list)
    known: int = 0

    def say(self, booking: Booking) -> None:
        self.bookings[booking.booking_id] = booking
        self.sent.append(booking)

    def book(self) -> None:
        (ines, tom), weeks = self.scene.moreau.child_ids, self.scene.week_ids
        lines = [(ines, weeks[0]), (tom, weeks[0]), (ines, weeks[1])]
        self.say(self.scene.booking(lines=lines[: self.draw.randint(1, 3)]))

    def cancel(self) -> None:
        """One line or all of a booking that stands, in time or late; what is not paid is always given back."""
        if standing := [one for one in self.bookings.values() if one.status in ("confirmed", "paid")]:
            booking = self.draw.choice(standing)
            active = [line.position for line in booking.lines if line.status == "active"]
            refundable = booking.status == "confirmed" or self.draw.random() < 0.5
            whole = len(active) == 1 or self.draw.random() < 0.3
            status, drop = ("cancelled", []) if whole else (booking.status, [self.draw.choice(active)])
            self.say(self.scene.later(booking, status, drop=drop, refundable=refundable))

    async def listen(self) -> None:
        """What billing published since the last time."""
        news: list[Any] = []
        for kind in (InvoiceSettled, InvoiceLapsed, CreditGranted):
            news += await self.scene.published(kind)
        for event in sorted(news, key=lambda one: isinstance(one, CreditGranted)):
            booking = self.bookings.get(event.booking_id) if event.booking_id else None
            if booking is None:
                continue
            if isinstance(event, CreditGranted):
                if booking.status == "expired":
                    self.say(self.scene.later(booking, "confirmed"))
            elif booking.status == "confirmed" and event.booking_version >= booking.confirmed_version:
                self.say(self.scene.later(booking, "paid" if event.status == "settled" else "expired"))

    async def deliver(self) -> None:
        """One of what was said, whichever, or one again."""
        if self.sent and self.draw.random() < 0.8:
            event = self.sent.pop(self.draw.randrange(len(self.sent)))
            self.heard.append(event)
            await self.scene.hear(event)
        elif self.heard:
            await self.scene.hear(self.draw.choice(self.heard))


async def books_balance(scene: Scene, received: int) -> None:
    accounts = {account: await scene.account(account) for account in Account}
    assert sum(accounts.values()) == 0
    assert accounts[Account.PAYFIP] == received
    assert accounts[Account.CREDIT] <= 0
    numbered = Invoice.number.is_not(None)
    async with scene.database.sessions() as session:
        billed = await session.scalar(select(func.coalesce(func.sum(Invoice.amount_cents), 0)).where(numbered))
        due = func.coalesce(func.sum(Invoice.amount_cents - InvoiceState.allocated_cents), 0)
        owed = await session.scalar(select(due).join(Invoice.state).where(numbered))
    assert accounts[Account.CHILDCARE] + accounts[Account.FOOD] == -(billed or 0)
    assert accounts[Account.FAMILY] == owed


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_every_cent_is_where_it_should_be(scene: Scene, payfip: PayFiP, seed: int) -> None:
    draw = random.Random(seed)
    enrolment = Enrolment(scene, draw)
    results: dict[str, str] = {}
    asked: dict[str, int] = {}
    elapsed = timedelta()

    async def look() -> None:
        for idop in results:
            await scene.notify(idop)
        await scene.ask_payfip()
        await scene.lapse()
        await enrolment.listen()

    async def received() -> int:
        return sum(asked[idop] for idop, result in results.items() if result in MONEY)

    for _ in range(70):
        match draw.choice(
            ("book", "cancel", "deliver", "deliver", "deliver", "pay", "pay", "decide", "decide", "wait")
        ):
            case "book":
                enrolment.book()
            case "cancel":
                enrolment.cancel()
            case "deliver":
                await enrolment.deliver()
            case "pay":
                _, listed = await scene.ask("GET", "/invoices")
                if due := [one for one in listed["items"] if one["status"] in ("to_pay", "reopened")]:
                    status, opened = await scene.pay(UUID(draw.choice(due)["id"]))
                    if status == 201:
                        idop = opened["redirect_url"].split("idop=")[1]
                        results.setdefault(idop, "")
                        asked.setdefault(idop, (await payfip.payment(idop))["montant"])
            case "decide":
                if undecided := [idop for idop, result in results.items() if result in ("", "A", "V")]:
                    idop = draw.choice(undecided)
                    results[idop] = "Z" if results[idop] == "V" else draw.choice(("P", "V", "A", "P"))
                    await payfip.decide(idop, results[idop])
            case "wait":
                elapsed += timedelta(minutes=draw.choice((1, 16, 21)))
                scene.after(minutes=elapsed.total_seconds() / 60)
        await look()
        await books_balance(scene, await received())

    while enrolment.sent:
        await enrolment.deliver()
        await look()
    await books_balance(scene, await received())
    for booking in enrolment.bookings.values():
        documents = await scene.documents(booking)
        standing = {line.position for line in booking.lines if line.status == "active"}
        kept = standing | {
            line.position for line in booking.lines if line.status == "cancelled" and not line.refundable
        }
        to_pay = [one for one in documents if one.status == "to_pay"]
        billed = sum(one.amount_cents for one in documents if one.number)
        if booking.status == "confirmed":
            assert [{line.position for line in one.lines} for one in to_pay] == [standing]
        else:
            assert to_pay == []
        assert billed == (0 if booking.status in ("confirmed", "expired") else PRICE * len(kept))
