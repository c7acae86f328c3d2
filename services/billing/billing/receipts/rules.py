"""Where money goes: what it pays, what it came too late for, what stays with us as credit. Pure; every way of paying
shares it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID


class Takes(Enum):
    """How an invoice takes money: one with no number whole or not at all, so that it can still lapse or be cancelled;
    a numbered one in parts; `LATE` is over, but its booking may be revived; `NOTHING` needs none."""

    WHOLE = auto()
    PARTS = auto()
    LATE = auto()
    NOTHING = auto()


@dataclass(frozen=True)
class Due:
    """An invoice that money came for, as it stands; `payable_until` none: as long as it is due."""

    invoice_id: UUID
    cents: int
    takes: Takes
    payable_until: datetime | None = None


@dataclass(frozen=True)
class Shares:
    """`paid`: what each invoice gets; `late`: those whose whole price came too late, now credit for their booking;
    `short`: those that may still be paid and were not, or not whole; `kept_cents`: what is left of the money received,
    credit for nothing in particular."""

    paid: dict[UUID, int]
    late: tuple[UUID, ...]
    short: tuple[UUID, ...]
    kept_cents: int


def allocate(received_cents: int, credit_cents: int, invoices: Iterable[Due], now: datetime) -> Shares:
    """Share out money just received, and the credit that was there before it, among `invoices` in their order."""
    wanted = list(invoices)
    left, paid = credit_cents + received_cents, dict[UUID, int]()
    for due in wanted:
        if (due.takes is Takes.WHOLE and left >= due.cents) or (due.takes is Takes.PARTS and left > 0):
            paid[due.invoice_id] = min(due.cents, left)
            left -= paid[due.invoice_id]
    kept, late = max(received_cents - sum(paid.values()), 0), []
    for due in wanted:
        if due.takes is Takes.LATE and kept >= due.cents:
            kept -= due.cents
            late.append(due.invoice_id)
    short = (
        due.invoice_id
        for due in wanted
        if due.takes in (Takes.WHOLE, Takes.PARTS)
        and paid.get(due.invoice_id, 0) < due.cents
        and (due.payable_until is None or now < due.payable_until)
    )
    return Shares(paid, tuple(late), tuple(short), kept)


@dataclass(frozen=True)
class Spent:
    """What an invoice got of a payment, or (none) of credit."""

    invoice_id: UUID
    payment_id: UUID | None
    cents: int


def undone(payment_id: UUID, credit_cents: int, spent: Sequence[Spent]) -> list[Spent]:
    """What to undo when a payment is taken back: what it paid; and where its rest was credit that has been spent since,
    the newest things paid from credit, then from payments with credit beside them, until it is no longer negative.

    `credit_cents` is the credit without that payment's money, `spent` the newest first.
    """
    undo = [one for one in spent if one.payment_id == payment_id]
    left = credit_cents + sum(one.cents for one in undo)
    others = (one for one in spent if one.payment_id != payment_id)
    for one in sorted(others, key=lambda one: one.payment_id is not None):
        if left >= 0:
            break
        undo.append(one)
        left += one.cents
    return undo
