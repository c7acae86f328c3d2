from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from french.wording import by_month, day, day_and_month, day_of_month, days, euros, hour, moment, percent


@pytest.mark.parametrize(
    ("cents", "written"),
    [
        (1250, "12,50\xa0€"),
        (5, "0,05\xa0€"),
        (0, "0,00\xa0€"),
        (-1616, "-16,16\xa0€"),
        (123456789, "1\u202f234\u202f567,89\xa0€"),
    ],
)
def test_amounts_have_a_comma_and_no_space_that_breaks(cents: int, written: str) -> None:
    assert euros(cents) == written


@pytest.mark.parametrize(("rate", "written"), [("1.30", "1,30\xa0%"), ("0.3", "0,30\xa0%"), ("0.0625", "0,0625\xa0%")])
def test_rates_have_two_decimals_or_as_many_as_they_need(rate: str, written: str) -> None:
    assert percent(Decimal(rate)) == written


def test_days_are_said_with_their_name_and_the_first_of_a_month_as_one_says_it() -> None:
    assert day(date(2027, 3, 3)) == "mercredi 3 mars 2027"
    assert day(date(2027, 3, 1)) == "lundi 1er mars 2027"
    assert day_and_month(date(2027, 3, 1)) == "1er mars"
    assert (day_of_month(date(2027, 3, 1)), day_of_month(date(2027, 3, 3))) == ("lundi 1er", "mercredi 3")
    assert day_and_month(date(2026, 12, 21)) == "21 décembre"


def test_moments_are_told_as_in_paris_winter_and_summer() -> None:
    assert moment(datetime(2027, 3, 3, 8, 0, tzinfo=UTC)) == "mercredi 3 mars 2027 à 9\xa0h"
    assert day_and_month(datetime(2027, 7, 31, 22, 0, tzinfo=UTC)) == "1er août"
    assert hour(datetime(2027, 7, 14, 12, 5, tzinfo=UTC)) == "14\xa0h\xa005"
    assert hour(datetime(2027, 1, 1, 22, 59, 30, tzinfo=UTC)) == "23\xa0h\xa059"
    assert hour(datetime(2027, 1, 1, 23, 0, tzinfo=UTC)) == "0\xa0h"


def test_one_day_is_singular_and_so_is_none() -> None:
    assert [days(count) for count in (0, 1, 5)] == ["0 jour", "1 jour", "5 jours"]


def test_days_of_several_months_are_said_in_order_month_by_month() -> None:
    days = [date(2027, 1, 7), date(2026, 12, 8), date(2026, 12, 1)]
    assert by_month(days) == "mardi 1er, mardi 8 décembre 2026 ; jeudi 7 janvier 2027"
