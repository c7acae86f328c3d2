"""What may be learnt of a payment, where that leads it, and when to ask again. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum


class PaymentStatus(StrEnum):
    OPENING = "opening"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABANDONED = "abandoned"
    UNCERTAIN = "uncertain"


class PaymentNews(StrEnum):
    """What we may learn of a payment: the first two at its opening, the others by asking PayFiP."""

    OPENED = "opened"
    NOT_OPENED = "not_opened"
    PAID = "paid"  # P
    DEBITED = "debited"  # V: money, unless the bank refuses it later
    REFUSED = "refused"  # R
    DEBIT_REFUSED = "debit_refused"  # Z
    LEFT = "left"  # A
    WAITING = "waiting"  # P5
    GONE = "gone"  # P1: unknown or deleted, for ever
    UNREACHABLE = "unreachable"
    BROKEN = "broken"  # TechDysfonctionnement


#: Money counts whenever it comes, also after a refusal or an abandon. What is not in the table changes nothing.
NEXT: dict[PaymentStatus, dict[PaymentNews, PaymentStatus]] = {
    PaymentStatus.OPENING: {
        PaymentNews.OPENED: PaymentStatus.PENDING,
        PaymentNews.NOT_OPENED: PaymentStatus.FAILED,
    },
    PaymentStatus.PENDING: {
        PaymentNews.PAID: PaymentStatus.SUCCEEDED,
        PaymentNews.DEBITED: PaymentStatus.SUCCEEDED,
        PaymentNews.REFUSED: PaymentStatus.FAILED,
        PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED,
        PaymentNews.LEFT: PaymentStatus.ABANDONED,
        PaymentNews.GONE: PaymentStatus.ABANDONED,
        PaymentNews.UNREACHABLE: PaymentStatus.UNCERTAIN,
        PaymentNews.BROKEN: PaymentStatus.UNCERTAIN,
    },
    PaymentStatus.UNCERTAIN: {
        PaymentNews.PAID: PaymentStatus.SUCCEEDED,
        PaymentNews.DEBITED: PaymentStatus.SUCCEEDED,
        PaymentNews.REFUSED: PaymentStatus.FAILED,
        PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED,
        PaymentNews.LEFT: PaymentStatus.ABANDONED,
        PaymentNews.GONE: PaymentStatus.ABANDONED,
        PaymentNews.WAITING: PaymentStatus.PENDING,
    },
    PaymentStatus.FAILED: {
        PaymentNews.PAID: PaymentStatus.SUCCEEDED,
        PaymentNews.DEBITED: PaymentStatus.SUCCEEDED,
    },
    PaymentStatus.ABANDONED: {
        PaymentNews.PAID: PaymentStatus.SUCCEEDED,
        PaymentNews.DEBITED: PaymentStatus.SUCCEEDED,
        PaymentNews.REFUSED: PaymentStatus.FAILED,
        PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED,
    },
    PaymentStatus.SUCCEEDED: {PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED},
}

#: (age of the payment, how long until it is asked about again); later, hourly until PayFiP has deleted it.
SCHEDULE = (
    (timedelta(minutes=20), timedelta(seconds=10)),
    (timedelta(hours=2), timedelta(minutes=2)),
)
HOURLY = timedelta(hours=1)
#: A refusal or an abandon may still turn into a payment on the same page; after that only a notification reopens it.
DOUBTED_FOR = timedelta(hours=2)
#: A direct debit that was accepted may still be refused by the bank: PayFiP then says so, if it is asked.
DEBIT_DOUBTED_FOR, DEBIT_ASKED_EVERY = timedelta(days=60), timedelta(hours=12)
#: PayFiP does not like to be asked sooner after a malfunction.
AFTER_MALFUNCTION = timedelta(minutes=30)


def next_check(opened_at: datetime, now: datetime) -> datetime:
    """When to ask again about a payment whose end is not known."""
    age = now - opened_at
    return now + next((every for until, every in SCHEDULE if age < until), HOURLY)


def next_check_after(
    status: PaymentStatus,
    opened_at: datetime,
    news: PaymentNews,
    now: datetime,
    *,
    is_debit: bool = False,
    returned: bool = False,
) -> datetime | None:
    """When to ask again about a payment in that state, having heard `news`; none when there is nothing more to learn
    by asking. `is_debit`, `returned`: the bank may still refuse it, or has."""
    age = now - opened_at
    if news is PaymentNews.GONE or returned:
        return None
    if status is PaymentStatus.SUCCEEDED:
        return now + DEBIT_ASKED_EVERY if is_debit and age < DEBIT_DOUBTED_FOR else None
    if news is PaymentNews.BROKEN:
        return now + AFTER_MALFUNCTION
    if news in (PaymentNews.REFUSED, PaymentNews.DEBIT_REFUSED, PaymentNews.LEFT) and age >= DOUBTED_FOR:
        return None
    return next_check(opened_at, now)
