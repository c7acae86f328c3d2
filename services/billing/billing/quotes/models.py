"""Quotes and their lines."""

from datetime import datetime
from uuid import UUID

from chassis.identifiers import new_id
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from billing.models import Base, PricedLine


class Quote(Base):
    __tablename__ = "quotes"

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
    __table_args__ = (CheckConstraint("amount_cents = childcare_cents + food_cents", name="amount"),)

    quote_id: Mapped[UUID] = mapped_column(ForeignKey("quotes.id"), primary_key=True)
