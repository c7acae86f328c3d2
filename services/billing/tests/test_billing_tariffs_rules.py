"""Prices: effort rates, floors and ceilings, effect dates, and what the family reads."""

from datetime import date
from decimal import Decimal

import pytest
from billing.tariffs.rules import EffortRate, Tariff, price, quotient_on, tariff_on
from contracts.dossier import Quotient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

CARE = EffortRate(rate_percent=Decimal("1.30"), floor_cents=400, ceiling_cents=1900)
FOOD = EffortRate(rate_percent=Decimal("0.35"), floor_cents=120, ceiling_cents=520)
WEEK = Tariff(date(2026, 1, 1), CARE, FOOD)

quotients = st.integers(min_value=0, max_value=100_000)


def plain(sentence: str) -> str:
    return sentence.replace("\u00a0", " ").replace("\u202f", " ")


@st.composite
def rates(draw: st.DrawFn) -> EffortRate:
    floor = draw(st.integers(min_value=0, max_value=5_000))
    ceiling = draw(st.integers(min_value=floor, max_value=20_000))
    return EffortRate(
        rate_percent=draw(st.decimals(min_value=0, max_value=10, places=3)), floor_cents=floor, ceiling_cents=ceiling
    )


def test_a_week_is_explained_as_it_is_computed() -> None:
    week = price(WEEK, 980, 5)
    assert (week.childcare_cents, week.food_cents, week.amount_cents) == (6370, 1715, 8085)
    assert plain(week.explanation) == (
        "5 jours × 16,17 € = 80,85 €. "
        "Accueil : 1,30 % de votre quotient 980 = 12,74 € par jour (entre 4,00 € et 19,00 €). "
        "Repas : 0,35 % de votre quotient 980 = 3,43 € par jour (entre 1,20 € et 5,20 €)."
    )


def test_under_the_floor_the_minimum_is_said() -> None:
    day = price(WEEK, 100, 1)
    assert day.amount_cents == 520
    assert "1 jour × 5,20 €" in plain(day.explanation)
    assert "1,30 % de votre quotient 100 = 1,30 €, porté au minimum de 4,00 € par jour" in plain(day.explanation)


def test_over_the_ceiling_the_maximum_is_said() -> None:
    day = price(WEEK, 2400, 1)
    assert day.amount_cents == 2420
    assert "limité au maximum de 19,00 € par jour" in plain(day.explanation)


def test_without_a_quotient_the_ceiling_is_due_and_the_family_warned() -> None:
    week = price(WEEK, None, 5)
    assert week.amount_cents == 5 * (1900 + 520)
    assert "tarif maximal, 19,00 € par jour" in plain(week.explanation)
    assert "Attention : aucun quotient familial valable" in week.explanation


def test_half_a_cent_is_rounded_up() -> None:
    rate = EffortRate(rate_percent=Decimal("0.5"), floor_cents=0, ceiling_cents=1000)
    assert [rate.cents(quotient) for quotient in (1, 2, 3, 5)] == [1, 1, 2, 3]


def test_care_alone_has_no_meal_in_its_explanation() -> None:
    morning = price(Tariff(date(2026, 1, 1), CARE, None), 980, 1)
    assert morning.food_cents == 0
    assert "Repas" not in morning.explanation


@given(rates(), quotients)
def test_a_price_stays_between_floor_and_ceiling(rate: EffortRate, quotient: int) -> None:
    assert rate.floor_cents <= rate.cents(quotient) <= rate.ceiling_cents == rate.cents(None)


@given(rates(), quotients, quotients)
def test_a_higher_quotient_never_pays_less(rate: EffortRate, one: int, other: int) -> None:
    lower, higher = sorted((one, other))
    assert rate.cents(lower) <= rate.cents(higher)


@given(rates(), quotients)
def test_between_floor_and_ceiling_the_price_is_exact_to_half_a_cent(rate: EffortRate, quotient: int) -> None:
    if rate.floor_cents < rate.cents(quotient) < rate.ceiling_cents:
        assert abs(rate.cents(quotient) - rate.rate_percent * quotient) <= Decimal("0.5")


@given(rates(), rates(), st.none() | quotients, st.integers(min_value=1, max_value=31))
def test_days_add_up_and_care_and_food_make_the_whole(
    care: EffortRate, food: EffortRate, quotient: int | None, days: int
) -> None:
    tariff = Tariff(date(2026, 1, 1), care, food)
    one, many = price(tariff, quotient, 1), price(tariff, quotient, days)
    assert many.amount_cents == many.childcare_cents + many.food_cents == days * one.amount_cents


def test_a_floor_above_the_ceiling_is_refused() -> None:
    with pytest.raises(ValidationError):
        EffortRate(rate_percent=Decimal(1), floor_cents=2, ceiling_cents=1)


def test_a_tariff_counts_from_its_first_day() -> None:
    newer = Tariff(date(2026, 9, 1), FOOD, None)
    assert tariff_on([newer, WEEK], date(2026, 8, 31)) is WEEK
    assert tariff_on([WEEK, newer], date(2026, 9, 1)) is newer
    assert tariff_on([WEEK, newer], date(2025, 12, 31)) is None


def test_a_quotient_counts_from_its_first_to_its_last_day() -> None:
    older = Quotient(value=700, source="caf", valid_from=date(2026, 1, 1), valid_to=date(2026, 5, 31))
    newer = Quotient(value=900, source="caf", valid_from=date(2026, 6, 1), valid_to=date(2026, 12, 31))
    assert quotient_on([newer, older], date(2026, 5, 31)) == 700
    assert quotient_on([older, newer], date(2026, 12, 31)) == 900
    assert quotient_on([newer], date(2027, 1, 1)) is None
    assert quotient_on([], date(2026, 6, 1)) is None
