"""What billing answers."""

import datetime

from pydantic import AwareDatetime

from web.answers import Answer


class QuoteLine(Answer):
    child_id: str
    holiday_week_id: str
    amount_cents: int
    explanation: str


class Quote(Answer):
    quote_id: str
    lines: list[QuoteLine]
    total_cents: int


class InvoiceLine(Answer):
    child_name: str
    label: str
    dates: list[datetime.date]
    amount_cents: int
    explanation: str


class Invoice(Answer):
    """`due_cents` is what is still to be paid of it."""

    id: str
    dossier_id: str
    kind: str
    status: str
    number: str | None
    booking_id: str | None
    amount_cents: int
    due_cents: int
    payer_name: str
    payer_address: str | None
    opened_at: AwareDatetime
    payable_until: AwareDatetime | None
    settled_at: AwareDatetime | None
    reason: str | None
    lines: list[InvoiceLine]


class Balance(Answer):
    owed_cents: int
    deferred_cents: int
    credit_cents: int


class PaymentOpened(Answer):
    redirect_url: str


class Payment(Answer):
    """`redirect_url` is PayFiP's page, while it may be opened."""

    id: str
    status: str
    amount_cents: int
    invoice_ids: list[str]
    redirect_url: str | None = None


class Price(Answer):
    """Of a day, from `valid_from` on until the next of the same child and activity."""

    child_id: str
    activity_id: str
    amount_cents: int
    valid_from: datetime.date
    explanation: str


class Prices(Answer):
    items: list[Price]
