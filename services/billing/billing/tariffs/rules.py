"""Prices: what a day costs a family by its quotient, and the sentence that explains it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from contracts.dossier import Quotient
from french.calendar import DAY
from french.wording import days, euros, percent
from pydantic import BaseModel, ConfigDict, Field, model_validator


class EffortRate(BaseModel):
    """A price that follows the family's means: rate × quotient, never under the floor nor over the ceiling."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_percent: Decimal = Field(ge=0)
    floor_cents: int = Field(ge=0)
    ceiling_cents: int = Field(le=10_000_000)

    @model_validator(mode="after")
    def _floor_under_ceiling(self) -> "EffortRate":
        if self.ceiling_cents < self.floor_cents:
            raise ValueError("Le plafond est inférieur au plancher.")
        return self

    def computed_cents(self, quotient: int) -> int:
        """Before floor and ceiling, half up to the cent: a hundredth of so many euros is as many cents."""
        return int((self.rate_percent * quotient).quantize(Decimal(1), ROUND_HALF_UP))

    def cents(self, quotient: int | None) -> int:
        """The price of a unit; without a quotient, the ceiling."""
        if quotient is None:
            return self.ceiling_cents
        return min(max(self.computed_cents(quotient), self.floor_cents), self.ceiling_cents)

    def explain(self, quotient: int | None) -> str:
        """How that price comes about: « 1,30 % de votre quotient 980 = 12,74 € par jour (entre 4,00 € et 19,00 €) »."""
        if quotient is None:
            return f"tarif maximal, {euros(self.ceiling_cents)} par jour"
        computed, price = self.computed_cents(quotient), self.cents(quotient)
        rule = f"{percent(self.rate_percent)} de votre quotient {quotient} = {euros(computed)}"
        if computed == price:
            return f"{rule} par jour (entre {euros(self.floor_cents)} et {euros(self.ceiling_cents)})"
        limit = "porté au minimum de" if computed < price else "limité au maximum de"
        return f"{rule}, {limit} {euros(price)} par jour"


@dataclass(frozen=True)
class Tariff:
    """What a day of one activity costs from a date on; care and food apart, because only care counts for the tax."""

    valid_from: date
    childcare: EffortRate | None
    food: EffortRate | None


@dataclass(frozen=True)
class Price:
    childcare_cents: int
    food_cents: int
    explanation: str

    @property
    def amount_cents(self) -> int:
        return self.childcare_cents + self.food_cents


def tariff_on(tariffs: Iterable[Tariff], day: date) -> Tariff | None:
    """The one in force that day: the latest that has begun."""
    begun = (tariff for tariff in tariffs if tariff.valid_from <= day)
    return max(begun, key=lambda tariff: tariff.valid_from, default=None)


def quotient_on(quotients: Iterable[Quotient], day: date) -> int | None:
    """The value of the period that the day is in (dossier tells disjoint ones); none when it is in none."""
    return next((one.value for one in quotients if one.valid_from <= day <= one.valid_to), None)


def price(tariff: Tariff, quotient: int | None, day_count: int) -> Price:
    """The price of so many days, with its explanation."""
    a_day = day_price(tariff, quotient)
    total = f"{days(day_count)} × {euros(a_day.amount_cents)} = {euros(day_count * a_day.amount_cents)}."
    return Price(day_count * a_day.childcare_cents, day_count * a_day.food_cents, f"{total} {a_day.explanation}")


def day_price(tariff: Tariff, quotient: int | None) -> Price:
    """The price of one day, with its explanation."""
    childcare, food = (rate.cents(quotient) if rate else 0 for rate in (tariff.childcare, tariff.food))
    rates = (("Accueil", tariff.childcare), ("Repas", tariff.food))
    sentences = [f"{name} : {rate.explain(quotient)}." for name, rate in rates if rate]
    if quotient is None:
        sentences.append(
            "Attention : aucun quotient familial valable n'est connu pour cette date. Pour payer selon vos ressources,"
            " transmettez votre attestation à la mairie avant de payer."
        )
    return Price(childcare, food, " ".join(sentences))


def day_prices(
    tariffs: Sequence[Tariff], quotients: Sequence[Quotient], first: date, last: date
) -> list[tuple[date, Price]]:
    """What a day costs from `first` to `last`, both included: each price with the day from which it holds, in order.

    Days before the first tariff have no price.
    """
    begin = {first, *(tariff.valid_from for tariff in tariffs)}
    begin |= {one.valid_from for one in quotients} | {one.valid_to + DAY for one in quotients if one.valid_to < last}
    found: list[tuple[date, Price]] = []
    for day in sorted(day for day in begin if first <= day <= last):
        tariff = tariff_on(tariffs, day)
        cost = tariff and day_price(tariff, quotient_on(quotients, day))
        if cost and (not found or found[-1][1] != cost):
            found.append((day, cost))
    return found
