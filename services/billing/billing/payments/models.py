"""Payments asked of PayFiP."""

from datetime import datetime
from uuid import UUID

from chassis.identifiers import new_id
from chassis.law import part_of, personal
from chassis.schema import may
from chassis.states import state
from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from billing.invoices.models import Invoice
from billing.models import ACCOUNTS, TEN_YEARS, Base
from billing.payments.rules import NEXT, PaymentNews, PaymentStatus


class PaymentInvoice(Base):
    __tablename__ = "payment_invoices"
    __table_args__ = may(law=part_of("payments", "Factures payées", stays=ACCOUNTS, kept=TEN_YEARS))

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True, index=True)


class Payment(Base):
    """One payment asked of PayFiP, for invoices of one régie.

    `next_check_at`: when to ask PayFiP again (none: there is nothing more to learn unless it notifies); `answered_at`:
    when the last question was put that PayFiP did answer; `received_cents`: what it says was paid; `is_debit`: by a
    direct debit, which the bank may still refuse; `returned_at`: when we heard that it had.
    """

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("refdet"),
        UniqueConstraint("idop"),
        Index(None, "next_check_at", postgresql_where=text("next_check_at IS NOT NULL")),
        Index(None, "opened_at", postgresql_where=text("status = 'opening'")),
        may("UPDATE", law=personal("Paiements", dossier="dossier_id", stays=ACCOUNTS, kept=TEN_YEARS)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    status: Mapped[PaymentStatus] = state(PaymentStatus, default=PaymentStatus.OPENING)
    dossier_id: Mapped[UUID] = mapped_column(index=True)
    amount_cents: Mapped[int]
    refdet: Mapped[str]
    idop: Mapped[str | None]
    opened_at: Mapped[datetime]
    next_check_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    received_cents: Mapped[int | None]
    is_debit: Mapped[bool] = mapped_column(default=False)
    returned_at: Mapped[datetime | None]
    invoices: Mapped[list[Invoice]] = relationship(secondary="payment_invoices", lazy="selectin", order_by="Invoice.id")

    @property
    def invoice_ids(self) -> list[UUID]:
        return [invoice.id for invoice in self.invoices]

    @property
    def regie_code(self) -> str:
        return self.invoices[0].regie_code

    def hear(self, news: PaymentNews) -> bool:
        """Move as the table says; whether anything changed. What the bank has taken back has ended for good."""
        status = None if self.returned_at else NEXT[self.status].get(news)
        if status:
            self.status = status
        return status is not None
