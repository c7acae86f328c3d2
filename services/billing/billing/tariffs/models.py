"""Tariffs, as the town describes them."""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.identifiers import new_id
from chassis.law import impersonal
from chassis.schema import may
from sqlalchemy import UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Base
from billing.tariffs.rules import EffortRate, Tariff


class TariffRow(Base):
    """A day's price of an activity from a date on; both rates are rules.EffortRate."""

    __tablename__ = "tariffs"
    __table_args__ = (
        UniqueConstraint("activity_id", "valid_from"),
        may(law=impersonal("for ever: what a price was made of")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    activity_id: Mapped[UUID]
    valid_from: Mapped[date]
    childcare: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    food: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    def tariff(self) -> Tariff:
        """What rules take of it."""
        rates = (EffortRate.model_validate(rate) if rate else None for rate in (self.childcare, self.food))
        return Tariff(self.valid_from, *rates)
