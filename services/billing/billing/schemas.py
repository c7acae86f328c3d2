"""What the API takes and gives. Amounts are cents; times have an offset."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from chassis.bodies import RequestBody
from pydantic import BaseModel, ConfigDict, Field, field_validator


class WantedLine(RequestBody):
    child_id: UUID
    holiday_week_id: UUID


class WantedQuote(RequestBody):
    """`dossier_id` is an agent's to say; a guardian's is their own."""

    lines: Annotated[list[WantedLine], Field(min_length=1, max_length=20)]
    dossier_id: UUID | None = None

    @field_validator("lines")
    @classmethod
    def _each_once(cls, lines: list[WantedLine]) -> list[WantedLine]:
        if len({(line.child_id, line.holiday_week_id) for line in lines}) < len(lines):
            raise ValueError("La même semaine est demandée deux fois pour le même enfant.")
        return lines


class WantedPayment(RequestBody):
    invoice_ids: Annotated[list[UUID], Field(min_length=1, max_length=20)]
    return_url: Annotated[str, Field(max_length=500, pattern=r"^https?://[!-\[\]-~]+$")]


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class QuoteLineAnswer(_Answer):
    child_id: UUID
    holiday_week_id: UUID = Field(validation_alias="source_id")
    amount_cents: int
    explanation: str


class QuoteAnswer(_Answer):
    quote_id: UUID = Field(validation_alias="id")
    lines: list[QuoteLineAnswer]
    total_cents: int
    valid_until: datetime


class InvoiceLineAnswer(_Answer):
    """`source` says what `source_id` is the id of: a holiday week."""

    child_id: UUID
    child_name: str
    activity_id: UUID
    source: str
    source_id: UUID
    label: str
    dates: list[date]
    amount_cents: int
    childcare_cents: int
    food_cents: int
    explanation: str


class InvoiceAnswer(_Answer):
    """`kind`: invoice or credit_note (negative, `corrects_id` says which invoice); numbered when first settled.

    `due_cents` is what is not paid of it: to pay while the status is `to_pay` (until `payable_until`) or `reopened`.
    """

    id: UUID
    kind: str
    status: str
    number: str | None
    dossier_id: UUID
    booking_id: UUID | None
    corrects_id: UUID | None
    amount_cents: int
    due_cents: int
    payer_name: str
    payer_address: str | None
    opened_at: datetime
    payable_until: datetime | None
    settled_at: datetime | None
    repriced: bool
    reason: str | None
    lines: list[InvoiceLineAnswer]


class Invoices(BaseModel):
    items: list[InvoiceAnswer]
    next_cursor: str | None


class PaymentAnswer(_Answer):
    """`redirect_url`: PayFiP's page, while the payment is pending and the page can be opened."""

    id: UUID
    status: str
    amount_cents: int
    invoice_ids: list[UUID]
    opened_at: datetime
    redirect_url: str | None = None


class Balance(BaseModel):
    """`owed_cents`: due of invoices to pay or reopened; `deferred_cents`: small amounts left to the month's invoice."""

    owed_cents: int
    deferred_cents: int
    credit_cents: int
