from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from chassis.identifiers import new_id
from enrolment.bookings.rules import BookingStatus, terms
from enrolment.catalogue.models import HolidayWeek
from enrolment.catalogue.rules import age_on, refusal
from enrolment.copies import Child, Dossier

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLOSES = datetime(2026, 12, 4, 22, 59, tzinfo=UTC)
LAST_MOMENT = datetime(2026, 12, 20, 22, 59, 59, tzinfo=UTC)
MONDAY = datetime(2026, 12, 20, 23, tzinfo=UTC)  # midnight in Paris


def week(**facts: Any) -> HolidayWeek:
    return HolidayWeek(
        **{
            "min_age": 6,
            "max_age": 11,
            "dates": [date(2026, 12, 21), date(2026, 12, 22)],
            "booking_closes_at": datetime(2026, 11, 28, 22, 59, tzinfo=UTC),
            "cancellation_closes_at": CLOSES,
        }
        | facts
    )


def child(born: date = date(2017, 5, 1)) -> Child:
    return Child(id=new_id(), first_name="Inès", birth_date=born)


def dossier(status: str = "active", *missing: str) -> Dossier:
    return Dossier(status=status, missing=list(missing))


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2020, 12, 21), date(2026, 12, 21), 6),
        (date(2020, 12, 22), date(2026, 12, 21), 5),
        (date(2020, 2, 29), date(2026, 2, 28), 5),
        (date(2020, 2, 29), date(2026, 3, 1), 6),
    ],
)
def test_age_is_whole_years_on_that_day(born: date, day: date, age: int) -> None:
    assert age_on(born, day) == age


def test_a_child_of_the_age_group_with_a_complete_dossier_is_eligible() -> None:
    assert refusal(week(), child(), dossier(), NOW) is None


@pytest.mark.parametrize("born", [date(2020, 12, 21), date(2014, 12, 22)])
def test_the_age_group_holds_from_its_youngest_to_its_oldest_day(born: date) -> None:
    assert refusal(week(), child(born), dossier(), NOW) is None


@pytest.mark.parametrize(("born", "age"), [(date(2020, 12, 22), 5), (date(2014, 12, 21), 12)])
def test_a_child_outside_the_age_group_is_refused_with_both_ages(born: date, age: int) -> None:
    reason = refusal(week(), child(born), dossier(), NOW)
    assert reason == (f"Cette semaine accueille les enfants de 6 à 11 ans ; Inès aura {age} ans le premier jour.")


def test_booking_closes_at_its_very_moment() -> None:
    closes = datetime(2026, 11, 28, 22, 59, tzinfo=UTC)
    assert refusal(week(), child(), dossier(), closes.replace(minute=58)) is None
    assert refusal(week(), child(), dossier(), closes) == (
        "Les réservations pour cette semaine sont closes depuis le 28 novembre à 23\xa0h\xa059 : "
        "choisissez une autre semaine."
    )


def test_a_week_that_began_in_paris_is_refused_even_where_booking_is_open() -> None:
    open_late = week(booking_closes_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert refusal(open_late, child(), dossier(), datetime(2026, 12, 20, 22, 59, tzinfo=UTC)) is None
    assert "déjà commencé" in str(refusal(open_late, child(), dossier(), datetime(2026, 12, 20, 23, 0, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("known", "why"),
    [(dossier("active", "quotient"), "incomplet"), (dossier("archived"), "archivé"), (None, "pas encore connu")],
)
def test_an_incomplete_archived_or_unknown_dossier_is_refused(known: Dossier | None, why: str) -> None:
    assert why in str(refusal(week(), child(), known, NOW))


def test_a_paid_week_is_given_back_until_the_very_moment_of_its_deadline() -> None:
    in_time = terms(week(), BookingStatus.PAID, CLOSES)
    late = terms(week(), BookingStatus.PAID, CLOSES + timedelta(seconds=1))
    assert in_time
    assert late
    assert (in_time.refundable, late.refundable) == (True, False)
    assert in_time.reason.replace("\xa0", " ") == (
        "Annulée dans le délai, ouvert jusqu'au 4 décembre à 23 h 59 : la somme est rendue en crédit."
    )
    assert late.reason.replace("\xa0", " ") == (
        "Annulée après le délai, clos depuis le 4 décembre à 23 h 59 : la somme n'est pas rendue."
    )


@pytest.mark.parametrize("status", [BookingStatus.CONFIRMED, BookingStatus.PAID])
def test_a_week_is_left_until_it_begins_in_paris(status: BookingStatus) -> None:
    left = terms(week(), status, LAST_MOMENT)
    assert left
    assert left.refundable == (status is BookingStatus.CONFIRMED)
    assert terms(week(), status, MONDAY) is None


def test_a_hold_may_always_be_given_up() -> None:
    for now in (NOW, LAST_MOMENT, MONDAY):
        given_up = terms(week(), BookingStatus.HELD, now)
        assert given_up
        assert not given_up.refundable
