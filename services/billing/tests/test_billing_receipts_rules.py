"""Where money goes, as pure rules: what is paid, what came too late, what is kept, what is undone."""

from datetime import UTC, datetime, timedelta

from billing.receipts.rules import Due, Shares, Spent, Takes, allocate, undone
from chassis.identifiers import new_id
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2027, 3, 3, 10, 0, tzinfo=UTC)
PAYMENT = new_id()
cents = st.integers(min_value=0, max_value=1_000)
dues = st.lists(
    st.builds(lambda due, takes: Due(new_id(), due, takes, NOW), st.integers(1, 1_000), st.sampled_from(Takes)),
    max_size=5,
)


def due(amount: int, takes: Takes = Takes.WHOLE, minutes: int = 10) -> Due:
    return Due(new_id(), amount, takes, NOW + timedelta(minutes=minutes))


def test_money_settles_what_it_came_for() -> None:
    one, other = due(300), due(200)
    assert allocate(500, 0, [one, other], NOW) == Shares({one.invoice_id: 300, other.invoice_id: 200}, (), (), 0)


def test_what_has_no_number_is_paid_whole_or_not_at_all() -> None:
    one = due(300)
    assert allocate(299, 0, [one], NOW) == Shares({}, (), (one.invoice_id,), 299)
    assert allocate(299, 1, [one], NOW) == Shares({one.invoice_id: 300}, (), (), 0)


def test_what_has_a_number_is_paid_in_parts() -> None:
    one = due(300, Takes.PARTS)
    assert allocate(100, 50, [one], NOW) == Shares({one.invoice_id: 150}, (), (one.invoice_id,), 0)


def test_nobody_is_asked_for_what_can_no_longer_be_paid() -> None:
    assert allocate(1, 0, [due(300, minutes=0)], NOW).short == ()


def test_late_money_is_for_its_booking_when_it_covers_it() -> None:
    one = due(300, Takes.LATE)
    assert allocate(350, 0, [one], NOW) == Shares({}, (one.invoice_id,), (), 50)
    assert allocate(299, 500, [one], NOW) == Shares({}, (), (), 299)


def test_what_needs_nothing_gets_nothing() -> None:
    assert allocate(300, 0, [due(300, Takes.NOTHING)], NOW) == Shares({}, (), (), 300)


@given(cents, cents, dues)
def test_every_cent_received_goes_to_one_place(received: int, credit: int, invoices: list[Due]) -> None:
    shares = allocate(received, credit, invoices, NOW)
    by_id = {one.invoice_id: one for one in invoices}
    paid, late = sum(shares.paid.values()), sum(by_id[one].cents for one in shares.late)
    assert 0 <= paid <= received + credit
    assert shares.kept_cents >= 0
    assert late + shares.kept_cents == max(received - paid, 0)
    for invoice_id, part in shares.paid.items():
        assert 0 < part <= by_id[invoice_id].cents
        assert by_id[invoice_id].takes in (Takes.WHOLE, Takes.PARTS)
        assert part == by_id[invoice_id].cents or by_id[invoice_id].takes is Takes.PARTS


def test_a_payment_taken_back_undoes_what_it_paid_and_no_more() -> None:
    other, own = Spent(new_id(), None, 500), Spent(new_id(), PAYMENT, 300)
    assert undone(PAYMENT, -300, [other, own]) == [own]


def test_where_its_rest_was_spent_as_credit_the_newest_of_that_is_undone() -> None:
    by_card, own = Spent(new_id(), new_id(), 900), Spent(new_id(), PAYMENT, 300)
    newer, older = Spent(new_id(), None, 100), Spent(new_id(), None, 700)
    assert undone(PAYMENT, -350, [by_card, newer, own, older]) == [own, newer]
    assert undone(PAYMENT, -450, [by_card, newer, own, older]) == [own, newer, older]
    assert undone(PAYMENT, -1_101, [by_card, newer, own, older]) == [own, newer, older, by_card]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 1_000)), max_size=8), cents, st.data())
def test_after_a_payment_is_taken_back_the_credit_is_never_negative(
    spent: list[tuple[bool, int]], credit: int, data: st.DataObject
) -> None:
    """As long as what is taken back had come: no more than all that is spent and left."""
    parts = [Spent(new_id(), PAYMENT if own else None, amount) for own, amount in spent]
    own = sum(part.cents for part in parts if part.payment_id)
    received = data.draw(st.integers(own, sum(part.cents for part in parts) + credit))
    undo = undone(PAYMENT, credit - received, parts)
    assert len({part.invoice_id for part in undo}) == len(undo)
    assert credit - received + sum(part.cents for part in undo) >= 0
