"""What may be learnt of a payment, and when to ask again."""

from datetime import UTC, datetime, timedelta

import pytest
from billing.payments.rules import NEXT, PaymentNews, PaymentStatus, next_check, next_check_after

OPENED_AT = datetime(2027, 3, 3, 10, 0, tzinfo=UTC)


def test_money_counts_whatever_was_believed_before() -> None:
    for status, moves in NEXT.items():
        if status not in (PaymentStatus.OPENING, PaymentStatus.SUCCEEDED):
            assert moves[PaymentNews.PAID] is PaymentStatus.SUCCEEDED
            assert moves[PaymentNews.DEBITED] is PaymentStatus.SUCCEEDED
    assert NEXT[PaymentStatus.SUCCEEDED] == {PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED}


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(0), timedelta(seconds=10)),
        (timedelta(minutes=19, seconds=59), timedelta(seconds=10)),
        (timedelta(minutes=20), timedelta(minutes=2)),
        (timedelta(hours=2), timedelta(hours=1)),
        (timedelta(days=3), timedelta(hours=1)),
    ],
)
def test_payfip_is_asked_often_then_less_and_less(age: timedelta, wait: timedelta) -> None:
    now = OPENED_AT + age
    assert next_check(OPENED_AT, now) == now + wait


def test_asking_ends_when_there_is_nothing_more_to_learn() -> None:
    late = OPENED_AT + timedelta(hours=2)
    old = OPENED_AT + timedelta(days=60)

    def asked(status: PaymentStatus, news: PaymentNews, now: datetime, **facts: bool) -> datetime | None:
        return next_check_after(status, OPENED_AT, news, now, **facts)

    succeeded, failed = PaymentStatus.SUCCEEDED, PaymentStatus.FAILED
    abandoned, uncertain = PaymentStatus.ABANDONED, PaymentStatus.UNCERTAIN
    assert asked(succeeded, PaymentNews.PAID, OPENED_AT) is None
    assert asked(abandoned, PaymentNews.GONE, OPENED_AT) is None
    assert asked(abandoned, PaymentNews.LEFT, late) is None
    assert asked(failed, PaymentNews.REFUSED, late - timedelta(seconds=1)) is not None
    assert asked(uncertain, PaymentNews.BROKEN, late) == late + timedelta(minutes=30)
    assert asked(uncertain, PaymentNews.UNREACHABLE, late) == late + timedelta(hours=1)
    for news in (PaymentNews.DEBITED, PaymentNews.UNREACHABLE, PaymentNews.BROKEN):
        before = old - timedelta(seconds=1)
        assert asked(succeeded, news, before, is_debit=True) == before + timedelta(hours=12)
        assert asked(succeeded, news, old, is_debit=True) is None
    assert asked(failed, PaymentNews.DEBIT_REFUSED, OPENED_AT, is_debit=True, returned=True) is None
