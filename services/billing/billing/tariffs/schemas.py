"""What the days of a month cost. Amounts are cents."""

from datetime import date
from typing import Literal
from uuid import UUID

from chassis.bodies import Answer


class PriceAnswer(Answer):
    """What a day costs from `valid_from` on, until the next of the same child and activity, or the month's end."""

    child_id: UUID
    activity_id: UUID
    amount_cents: int
    unit: Literal["day"] = "day"
    valid_from: date
    explanation: str


class PricesAnswer(Answer):
    """By child, activity, then day. `month` is YYYY-MM."""

    month: str
    items: list[PriceAnswer]
