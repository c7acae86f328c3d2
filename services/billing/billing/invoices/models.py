"""Documents and their lines; beside each, what it came from, where it stands and what is allocated to it."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from chassis.identifiers import new_id
from chassis.law import impersonal, part_of, personal
from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from billing.models import ACCOUNTS, TEN_YEARS, Base, PricedLine


class InvoiceStatus(StrEnum):
    TO_PAY = "to_pay"
    SETTLED = "settled"
    REOPENED = "reopened"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


#: What may be paid.
OPEN = (InvoiceStatus.TO_PAY, InvoiceStatus.REOPENED)


class InvoiceState(Moves[InvoiceStatus], Base):
    """Where a document stands: it follows from its allocations, and the database holds it to them.

    `late_credited`: money that came too late for it has been told to its booking.
    """

    __tablename__ = "invoice_states"
    __table_args__ = (
        Index(None, "payable_until", postgresql_where=text("status = 'to_pay'")),
        may("UPDATE", law=part_of("invoices", "États des factures", stays=ACCOUNTS, kept=TEN_YEARS)),
    )

    TRANSITIONS: ClassVar = {
        InvoiceStatus.TO_PAY: frozenset({InvoiceStatus.SETTLED, InvoiceStatus.LAPSED, InvoiceStatus.CANCELLED}),
        InvoiceStatus.SETTLED: frozenset({InvoiceStatus.REOPENED}),  # numbered: only a credit note corrects it
        InvoiceStatus.REOPENED: frozenset({InvoiceStatus.SETTLED}),
        InvoiceStatus.LAPSED: frozenset(),
        InvoiceStatus.CANCELLED: frozenset(),
    }

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    status: Mapped[InvoiceStatus] = state(InvoiceStatus, default=InvoiceStatus.TO_PAY)
    allocated_cents: Mapped[int] = mapped_column(default=0)
    payable_until: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    late_credited: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None]


class BookingInvoice(Base):
    """The booking that an invoice came from: at which version, and for which confirmation of it."""

    __tablename__ = "booking_invoices"
    __table_args__ = (
        UniqueConstraint("booking_id", "booking_version"),
        may(law=part_of("invoices", "Origine des factures", stays=ACCOUNTS, kept=TEN_YEARS)),
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    booking_id: Mapped[UUID]
    booking_version: Mapped[int]
    confirmed_version: Mapped[int]


class Invoice(Base):
    """The document: what a family owes, or the credit note that corrects one (negative). Numbered, it never changes."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint("(kind = 'credit_note') = (corrects_id IS NOT NULL)", name="corrects"),
        Index(None, "dossier_id", "id"),
        may("UPDATE", law=personal("Factures", dossier="dossier_id", stays=ACCOUNTS, kept=TEN_YEARS)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(default="invoice")
    dossier_id: Mapped[UUID]
    regie_code: Mapped[str] = mapped_column(ForeignKey("regies.code"))
    corrects_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"), index=True)
    amount_cents: Mapped[int]
    payer_name: Mapped[str]
    payer_address: Mapped[str | None]
    opened_at: Mapped[datetime]
    repriced: Mapped[bool] = mapped_column(default=False)
    number: Mapped[str | None]
    lines: Mapped[list["InvoiceLine"]] = relationship(
        lazy="selectin", order_by="InvoiceLine.position", foreign_keys="InvoiceLine.invoice_id"
    )
    state: Mapped[InvoiceState] = relationship(lazy="joined", innerjoin=True)
    booking: Mapped[BookingInvoice | None] = relationship(lazy="joined")

    @property
    def status(self) -> InvoiceStatus:
        return self.state.status

    @property
    def due_cents(self) -> int:
        """What is not allocated to it yet (of what has lapsed too: what it would have cost)."""
        return self.amount_cents - self.state.allocated_cents

    @property
    def payable_until(self) -> datetime | None:
        """Until when it may be paid while it has no number; a reopened one may be paid as long as it is due."""
        return self.state.payable_until

    @property
    def settled_at(self) -> datetime | None:
        return self.state.settled_at

    @property
    def reason(self) -> str | None:
        return self.state.reason

    @property
    def booking_id(self) -> UUID | None:
        return self.booking.booking_id if self.booking else None

    def move(self, status: InvoiceStatus, reason: str | None = None) -> None:
        """Raises IllegalMove."""
        self.state.move(status)
        self.state.reason = reason or self.state.reason


class InvoiceLine(PricedLine, Base):
    """`position` is the booking line's, in an invoice that came from a booking. A line is corrected once at most."""

    __tablename__ = "invoice_lines"
    __table_args__ = (
        CheckConstraint("amount_cents = childcare_cents + food_cents", name="amount"),
        CheckConstraint("num_nonnulls(corrects_invoice_id, corrects_position) IN (0, 2)", name="corrects"),
        ForeignKeyConstraint(
            ["corrects_invoice_id", "corrects_position"],
            ["invoice_lines.invoice_id", "invoice_lines.position"],
            name="fk_invoice_lines_corrects",
        ),
        UniqueConstraint("corrects_invoice_id", "corrects_position"),
        may("UPDATE", law=part_of("invoices", "Lignes des factures", by="invoice_id", stays=ACCOUNTS, kept=TEN_YEARS)),
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    corrects_invoice_id: Mapped[UUID | None]
    corrects_position: Mapped[int | None]


class Source(StrEnum):
    """Where what is allocated comes from: a payment (and the credit beside it), credit alone, or the month's invoice,
    which will gather it."""

    PAYMENT = "payment"
    CREDIT = "credit"
    DEFERRED = "deferred"


class Allocation(Base):
    """Money given to an invoice, or taken back from it (negative). Append-only."""

    __tablename__ = "allocations"
    __table_args__ = (
        CheckConstraint("amount_cents <> 0", name="amount"),
        CheckConstraint("source IN ('payment', 'credit', 'deferred')", name="source"),
        CheckConstraint("(source = 'payment') = (payment_id IS NOT NULL)", name="payment"),
        may(law=part_of("invoices", "Affectations", stays=ACCOUNTS, kept=TEN_YEARS)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), index=True)
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"), index=True)
    source: Mapped[str]
    amount_cents: Mapped[int]
    at: Mapped[datetime]


class NumberSeries(Base):
    __tablename__ = "number_series"
    __table_args__ = may("UPDATE", law=impersonal("for ever: numbers have no gap"))

    regie_code: Mapped[str] = mapped_column(ForeignKey("regies.code"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
