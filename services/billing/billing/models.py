"""What several rooms of billing are made of: the base of all tables, régies, and the priced lines of documents."""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.database import TYPES
from chassis.law import impersonal
from chassis.schema import may, service_metadata
from sqlalchemy import ARRAY, CheckConstraint, Date
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from billing.guards import GUARDS

#: Why what was invoiced or paid outlives the family's erasure, and how long.
ACCOUNTS = "accounting law (Code de commerce, L123-22)"
TEN_YEARS = "ten years at least by that law; nothing here can delete it"


class Base(DeclarativeBase):
    metadata = service_metadata("billing", triggers=GUARDS)
    type_annotation_map = TYPES


class Regie(Base):
    """Who collects; `numcli` is its contract's number at PayFiP."""

    __tablename__ = "regies"
    __table_args__ = (
        CheckConstraint("numcli ~ '^[0-9]{6}$'", name="numcli"),
        may(law=impersonal("as long as the régie")),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    numcli: Mapped[str]
    version: Mapped[int]


class PricedLine:
    """What one child had of one activity on some days, and its price: what quotes and invoices are made of.

    `source` and `source_id` say what it was (a holiday week). Names are copied.
    """

    position: Mapped[int] = mapped_column(primary_key=True)
    child_id: Mapped[UUID]
    child_name: Mapped[str]
    activity_id: Mapped[UUID]
    source: Mapped[str]
    source_id: Mapped[UUID]
    label: Mapped[str]
    dates: Mapped[list[date]] = mapped_column(ARRAY(Date()))
    amount_cents: Mapped[int]
    childcare_cents: Mapped[int]
    food_cents: Mapped[int]
    explanation: Mapped[str]

    def values(self) -> dict[str, Any]:
        """What another document copies of it."""
        return {name: getattr(self, name) for name in PricedLine.__annotations__}
