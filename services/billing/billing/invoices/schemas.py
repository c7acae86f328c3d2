"""What is shown of invoices and of a family's balance. Amounts are cents; times have an offset."""

from datetime import date, datetime
from uuid import UUID

from chassis.bodies import Answer


class InvoiceLineAnswer(Answer):
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


class InvoiceAnswer(Answer):
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


class Balance(Answer):
    """`owed_cents`: due of invoices to pay or reopened; `deferred_cents`: small amounts left to the month's invoice."""

    dossier_id: UUID
    owed_cents: int
    deferred_cents: int
    credit_cents: int
