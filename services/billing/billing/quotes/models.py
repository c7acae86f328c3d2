"""Quotes and their lines."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis.identifiers import new_id
from chassis.law import part_of, personal
from chassis.schema import may
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from billing.models import Base, PricedLine

#: An event that needs it comes within this time, however late.
QUOTES_KEPT = timedelta(days=30)


class Quote(Base):
    __tablename__ = "quotes"
    __table_args__ = may(law=personal("Devis", dossier="dossier_id", kept=("valid_until", QUOTES_KEPT)))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    dossier_id: Mapped[UUID]
    regie_code: Mapped[str]
    valid_until: Mapped[datetime]
    lines: Mapped[list["QuoteLine"]] = relationship(lazy="selectin", order_by="QuoteLine.position")

    @property
    def total_cents(self) -> int:
        return sum(line.amount_cents for line in self.lines)


class QuoteLine(PricedLine, Base):
    __tablename__ = "quote_lines"
    __table_args__ = (
        CheckConstraint("amount_cents = childcare_cents + food_cents", name="amount"),
        may(law=part_of("quotes", "Lignes des devis", child="child_id")),
    )

    quote_id: Mapped[UUID] = mapped_column(ForeignKey("quotes.id"), primary_key=True)
