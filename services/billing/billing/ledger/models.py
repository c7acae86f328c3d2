"""The ledger's entries and its accounts."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chassis.identifiers import new_id
from chassis.law import personal
from chassis.schema import may
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import ACCOUNTS, TEN_YEARS, Base


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
        may(law=personal("Écritures comptables", dossier="dossier_id", stays=ACCOUNTS, kept=TEN_YEARS)),
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
