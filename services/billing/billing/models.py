"""Tables of billing: prices, quotes, invoices, the ledger, payments, and the copies of what other services own.

Copies have no foreign keys between them: each may arrive first.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis.database import TYPES
from chassis.identifiers import new_id
from chassis.schema import may, service_metadata
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from billing.guards import GUARDS


class Base(DeclarativeBase):
    metadata = service_metadata("billing", triggers=GUARDS)
    type_annotation_map = TYPES


# ---------------------------------------------------------------- copies


class Dossier(Base):
    """`adults` are contracts.dossier.Adult, `address` a PostalAddress."""

    __tablename__ = "dossiers"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    adults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class Child(Base):
    __tablename__ = "children"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    dossier_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    first_name: Mapped[str]
    last_name: Mapped[str]
    resident: Mapped[bool]


class QuotientHistory(Base):
    """A dossier's whole history: `quotients` are contracts.dossier.Quotient."""

    __tablename__ = "quotient_histories"
    __table_args__ = may("UPDATE")

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    quotients: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class Activity(Base):
    __tablename__ = "activities"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    regie_code: Mapped[str]


class HolidayWeek(Base):
    __tablename__ = "holiday_weeks"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    activity_id: Mapped[UUID]
    centre: Mapped[str]
    name: Mapped[str]
    dates: Mapped[list[date]] = mapped_column(ARRAY(Date()))


class BilledBooking(Base):
    """The newest event seen of a booking: an older one arriving late is void."""

    __tablename__ = "billed_bookings"
    __table_args__ = may("UPDATE")

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[str]


# ---------------------------------------------------------------- prices and quotes


class Regie(Base):
    """Who collects; `numcli` is its contract's number at PayFiP."""

    __tablename__ = "regies"
    __table_args__ = (CheckConstraint("numcli ~ '^[0-9]{6}$'", name="numcli"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    numcli: Mapped[str]
    version: Mapped[int]


class TariffRow(Base):
    """A day's price of an activity from a date on; both rates are tariffs.EffortRate."""

    __tablename__ = "tariffs"
    __table_args__ = (UniqueConstraint("activity_id", "valid_from"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    activity_id: Mapped[UUID]
    valid_from: Mapped[date]
    childcare: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    food: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


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


# ---------------------------------------------------------------- invoices


class InvoiceStatus(StrEnum):
    TO_PAY = "to_pay"
    SETTLED = "settled"
    REOPENED = "reopened"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


INVOICE_TRANSITIONS = {
    InvoiceStatus.TO_PAY: {InvoiceStatus.SETTLED, InvoiceStatus.LAPSED, InvoiceStatus.CANCELLED},
    InvoiceStatus.SETTLED: {InvoiceStatus.REOPENED},  # numbered: only a credit note corrects it
    InvoiceStatus.REOPENED: {InvoiceStatus.SETTLED},
    InvoiceStatus.LAPSED: set(),
    InvoiceStatus.CANCELLED: set(),
}
#: What may be paid.
OPEN = (InvoiceStatus.TO_PAY, InvoiceStatus.REOPENED)


class InvoiceState(Base):
    """Where a document stands: it follows from its allocations, and the database holds it to them.

    `late_credited`: money that came too late for it has been told to its booking.
    """

    __tablename__ = "invoice_states"
    __table_args__ = (Index(None, "payable_until", postgresql_where=text("status = 'to_pay'")), may("UPDATE"))

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(default=InvoiceStatus.TO_PAY)
    allocated_cents: Mapped[int] = mapped_column(default=0)
    payable_until: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    late_credited: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None]


class BookingInvoice(Base):
    """The booking that an invoice came from: at which version, and for which confirmation of it."""

    __tablename__ = "booking_invoices"
    __table_args__ = (UniqueConstraint("booking_id", "booking_version"),)

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
        may("UPDATE"),
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
        return InvoiceStatus(self.state.status)

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
        """Raises ValueError for a move that the table does not have."""
        if status not in INVOICE_TRANSITIONS[self.status]:
            raise ValueError(f"Invoice {self.id} cannot go from {self.status} to {status}.")
        self.state.status, self.state.reason = status, reason or self.state.reason
        self.state.version += 1


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
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), index=True)
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"), index=True)
    source: Mapped[str]
    amount_cents: Mapped[int]
    at: Mapped[datetime]


class NumberSeries(Base):
    __tablename__ = "number_series"
    __table_args__ = may("UPDATE")

    regie_code: Mapped[str] = mapped_column(ForeignKey("regies.code"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


# ---------------------------------------------------------------- ledger


class Account(StrEnum):
    """Debits are positive. `payfip`: what PayFiP collected for us; `family`: what a family owes of numbered invoices;
    `credit`: what it has with us (never positive); `deferred`: small amounts that the month's invoice will gather; the
    others: revenue."""

    PAYFIP = "payfip"
    FAMILY = "family"
    CREDIT = "credit"
    DEFERRED = "deferred"
    CHILDCARE = "revenue_childcare"
    FOOD = "revenue_food"


class LedgerEntry(Base):
    """Append-only; the entries of one transaction add up to zero (held by the database)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint(f"account IN ({', '.join(repr(str(one)) for one in Account)})", name="account"),
        CheckConstraint("account NOT IN ('family', 'credit', 'deferred') OR dossier_id IS NOT NULL", name="dossier"),
        CheckConstraint("amount_cents <> 0", name="amount"),
        Index(
            "ix_ledger_entries_receipt",
            "payment_id",
            unique=True,
            postgresql_where=text("account = 'payfip' AND amount_cents > 0"),
        ),
        Index(
            "ix_ledger_entries_return",
            "payment_id",
            unique=True,
            postgresql_where=text("account = 'payfip' AND amount_cents < 0"),
        ),
        Index(None, "dossier_id", "account"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    transaction_id: Mapped[UUID] = mapped_column(index=True)
    at: Mapped[datetime]
    account: Mapped[str]
    dossier_id: Mapped[UUID | None]
    amount_cents: Mapped[int]
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"))
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    memo: Mapped[str]


# ---------------------------------------------------------------- payments


class PaymentStatus(StrEnum):
    OPENING = "opening"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABANDONED = "abandoned"
    UNCERTAIN = "uncertain"


class PaymentNews(StrEnum):
    """What we may learn of a payment: the first two at its opening, the others by asking PayFiP."""

    OPENED = "opened"
    NOT_OPENED = "not_opened"
    PAID = "paid"  # P
    DEBITED = "debited"  # V: money, unless the bank refuses it later
    REFUSED = "refused"  # R
    DEBIT_REFUSED = "debit_refused"  # Z
    LEFT = "left"  # A
    WAITING = "waiting"  # P5
    GONE = "gone"  # P1: unknown or deleted, for ever
    UNREACHABLE = "unreachable"
    BROKEN = "broken"  # TechDysfonctionnement


#: Money counts whenever it comes, also after a refusal or an abandon. What is not in the table changes nothing.
PAYMENT_TRANSITIONS: dict[PaymentStatus, dict[PaymentNews, PaymentStatus]] = {
    PaymentStatus.OPENING: {
        PaymentNews.OPENED: PaymentStatus.PENDING,
        PaymentNews.NOT_OPENED: PaymentStatus.FAILED,
    },
    PaymentStatus.PENDING: {
        PaymentNews.PAID: PaymentStatus.SUCCEEDED,
        PaymentNews.DEBITED: PaymentStatus.SUCCEEDED,
        PaymentNews.REFUSED: PaymentStatus.FAILED,
        PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED,
        PaymentNews.LEFT: PaymentStatus.ABANDONED,
        PaymentNews.GONE: PaymentStatus.ABANDONED,
        PaymentNews.UNREACHABLE: PaymentStatus.UNCERTAIN,
        PaymentNews.BROKEN: PaymentStatus.UNCERTAIN,
    },
    PaymentStatus.UNCERTAIN: {
        PaymentNews.PAID: PaymentStatus.SUCCEEDED,
        PaymentNews.DEBITED: PaymentStatus.SUCCEEDED,
        PaymentNews.REFUSED: PaymentStatus.FAILED,
        PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED,
        PaymentNews.LEFT: PaymentStatus.ABANDONED,
        PaymentNews.GONE: PaymentStatus.ABANDONED,
        PaymentNews.WAITING: PaymentStatus.PENDING,
    },
    PaymentStatus.FAILED: {
        PaymentNews.PAID: PaymentStatus.SUCCEEDED,
        PaymentNews.DEBITED: PaymentStatus.SUCCEEDED,
    },
    PaymentStatus.ABANDONED: {
        PaymentNews.PAID: PaymentStatus.SUCCEEDED,
        PaymentNews.DEBITED: PaymentStatus.SUCCEEDED,
        PaymentNews.REFUSED: PaymentStatus.FAILED,
        PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED,
    },
    PaymentStatus.SUCCEEDED: {PaymentNews.DEBIT_REFUSED: PaymentStatus.FAILED},
}


class PaymentInvoice(Base):
    __tablename__ = "payment_invoices"

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
        may("UPDATE"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    status: Mapped[str] = mapped_column(default=PaymentStatus.OPENING)
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

    def hear(self, news: PaymentNews) -> bool:
        """Move as the table says; whether anything changed. What the bank has taken back has ended for good."""
        status = None if self.returned_at else PAYMENT_TRANSITIONS[PaymentStatus(self.status)].get(news)
        if status:
            self.status = status
        return status is not None
