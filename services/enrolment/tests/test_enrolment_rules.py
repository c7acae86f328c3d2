from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.identifiers import new_id
from enrolment.bookings.rules import BookingStatus, terms
from enrolment.catalogue.models import Activity, EnrolmentWindow, HolidayWeek, SchoolYear
from enrolment.catalogue.rules import Why, activity_refusal, enrolment_refusal, refusal
from enrolment.copies import Child, Dossier
from french.calendar import DAY

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
            "activity_status": "open",
            "booking_closes_at": datetime(2026, 11, 28, 22, 59, tzinfo=UTC),
            "cancellation_closes_at": CLOSES,
        }
        | facts
    )


def child(born: date = date(2017, 5, 1), *, resident: bool = True) -> Child:
    return Child(id=new_id(), first_name="Inès", birth_date=born, schooling=[], resident=resident)


def dossier(status: str = "active", *missing: str) -> Dossier:
    return Dossier(status=status, missing=list(missing))


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


# ---------------------------------------------------------------- opening of a week

RESIDENTS = datetime(2026, 11, 2, 7, 30, tzinfo=UTC)
EVERYBODY = datetime(2026, 11, 9, 7, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def opening(**facts: Any) -> HolidayWeek:
    return week(**{"booking_opens_at": EVERYBODY, "residents_open_at": RESIDENTS} | facts)


def test_a_week_opens_at_that_very_second_for_residents_first() -> None:
    here, elsewhere = child(), child(resident=False)
    for opens, who in ((RESIDENTS, here), (EVERYBODY, elsewhere)):
        assert refusal(opening(), who, dossier(), opens) is None
        why = str(refusal(opening(), who, dossier(), opens - SECOND)).replace("\xa0", " ")
        assert "8 h 30" in why
    assert refusal(opening(residents_open_at=None), here, dossier(), EVERYBODY - SECOND)
    assert refusal(opening(residents_open_at=None), here, dossier(), EVERYBODY) is None
    assert refusal(opening(residents_open_at=None, booking_opens_at=None), here, dossier(), NOW - 400 * DAY) is None


def test_who_must_wait_for_residents_is_told_so_with_the_hour() -> None:
    why = str(refusal(opening(), child(resident=False), dossier(), RESIDENTS)).replace("\xa0", " ")
    assert why == (
        "Les réservations pour cette semaine ouvrent le lundi 9 novembre 2026 à 8 h 30 ; elles sont réservées "
        "jusque-là aux habitants de la commune. Revenez à partir de ce moment."
    )
    before = str(refusal(opening(), child(resident=False), dossier(), RESIDENTS - SECOND)).replace("\xa0", " ")
    assert before == (
        "Les réservations pour cette semaine ouvrent le lundi 9 novembre 2026 à 8 h 30 : revenez à partir de ce moment."
    )


def test_a_week_of_a_closed_activity_is_booked_no_more() -> None:
    assert "n'est plus proposée" in str(refusal(week(activity_status="closed"), child(), dossier(), NOW))


# ---------------------------------------------------------------- enrolments

HERE, THERE = new_id(), new_id()
YEAR = SchoolYear(name="2026-2027", first_day=date(2026, 9, 1), last_day=date(2027, 7, 2))
SUMMER = datetime(2026, 7, 20, tzinfo=UTC)


def activity(**facts: Any) -> Activity:
    return Activity(
        **{
            "name": "Étude",
            "kind": "periscolaire",
            "status": "open",
            "levels": [],
            "sector": [],
            "enrolment_windows": [],
        }
        | facts
    )


def pupil(born: date = date(2017, 5, 1), level: str | None = "elementary", school_id: UUID = HERE) -> Child:
    schooling = {"school_year": "2026-2027", "school_id": str(school_id), "level": level, "class_name": None}
    return Child(id=new_id(), first_name="Inès", birth_date=born, schooling=[schooling] if level else [], resident=True)


def why(
    wanted: Activity,
    who: Child | None = None,
    known: Dossier | None = None,
    now: datetime = NOW,
    *,
    year: SchoolYear | None = YEAR,
    accepted: bool = True,
) -> Why | None:
    refused = enrolment_refusal(wanted, who or pupil(), known or dossier(), year, now, accepted=accepted)
    assert refused is None or refused.detail.endswith(".")
    return refused.why if refused else None


def window(opens: datetime | None, closes: datetime | None, year: str = "2026-2027") -> EnrolmentWindow:
    return EnrolmentWindow(school_year=year, opens_at=opens, closes_at=closes)


def test_an_activity_that_asks_nothing_is_open_to_every_child_of_a_complete_dossier() -> None:
    assert why(activity()) is None
    assert why(activity(), pupil(level=None)) is None
    assert why(activity(), accepted=False) is Why.HOUSE_RULES
    assert why(activity(), known=dossier("active", "quotient")) is Why.DOSSIER
    assert why(activity(status="closed")) is Why.CLOSED
    assert why(activity(), year=None) is Why.WINDOW


def test_the_age_is_that_of_the_day_the_enrolment_begins() -> None:
    asked = activity(min_age=3, max_age=5)
    three_on_the_first_day, three_today = pupil(date(2023, 9, 1)), pupil(date(2023, 11, 23))
    assert why(asked, three_on_the_first_day, now=SUMMER) is None
    assert why(asked, three_today, now=SUMMER) is Why.AGE
    assert why(asked, three_today) is None
    assert why(asked, three_today, now=NOW - timedelta(days=1)) is Why.AGE
    six_today = pupil(date(2020, 11, 23))
    assert why(asked, six_today) is Why.AGE
    assert why(asked, six_today, now=NOW - timedelta(days=1)) is None


def test_level_and_sector_are_those_of_that_school_year() -> None:
    elementary = activity(levels=["elementary"])
    assert why(elementary) is None
    assert why(elementary, pupil(level="nursery")) is Why.LEVEL
    assert why(elementary, pupil(level=None)) is Why.LEVEL
    next_year = SchoolYear(name="2027-2028", first_day=date(2027, 9, 1), last_day=date(2028, 6, 30))
    assert why(elementary, year=next_year) is Why.LEVEL
    here_only = activity(sector=[HERE])
    assert why(here_only) is None
    assert why(here_only, pupil(school_id=THERE)) is Why.SECTOR
    assert why(activity(sector=[HERE, THERE]), pupil(school_id=THERE)) is None


def test_a_window_opens_and_closes_at_that_very_second_of_its_school_year() -> None:
    asked = activity(enrolment_windows=[window(RESIDENTS, EVERYBODY)])
    assert why(asked, now=RESIDENTS - SECOND) is Why.WINDOW
    assert why(asked, now=RESIDENTS) is None
    assert why(asked, now=EVERYBODY - SECOND) is None
    assert why(asked, now=EVERYBODY) is Why.WINDOW
    assert why(activity(enrolment_windows=[window(RESIDENTS, None)]), now=EVERYBODY) is None
    assert why(activity(enrolment_windows=[window(None, RESIDENTS)]), now=RESIDENTS - SECOND) is None
    assert why(activity(enrolment_windows=[window(EVERYBODY, None, "2027-2028")]), now=RESIDENTS) is None
    early = enrolment_refusal(asked, pupil(), dossier(), YEAR, RESIDENTS - SECOND, accepted=True)
    assert early
    assert "lundi 2 novembre 2026 à 8 h 30" in early.detail.replace("\xa0", " ")


def test_a_school_year_is_open_until_the_end_of_its_last_day_in_paris() -> None:
    midnight = datetime(2027, 7, 2, 22, tzinfo=UTC)
    assert why(activity(), now=midnight - SECOND) is None
    assert why(activity(), now=midnight) is Why.WINDOW


def test_the_canteen_is_a_right_whatever_the_dossier_lacks() -> None:
    canteen = activity(kind="restauration", levels=["elementary"])
    for known in (dossier("active", "quotient"), dossier("archived"), None):
        refused = enrolment_refusal(canteen, pupil(), known, YEAR, NOW, accepted=False)
        assert refused is None
    assert why(canteen, pupil(level="nursery")) is Why.LEVEL


def test_what_is_booked_by_weeks_is_not_enrolled_in_but_open_with_a_complete_dossier() -> None:
    holidays = activity(kind="extrascolaire")
    assert why(holidays) is Why.BY_WEEK
    assert activity_refusal(holidays, pupil(), dossier(), YEAR, NOW, accepted=False) is None
    refused = activity_refusal(holidays, pupil(), dossier("active", "quotient"), YEAR, NOW, accepted=True)
    assert refused
    assert refused.why is Why.DOSSIER
