"""What a payment is asked for, and says. Amounts are cents."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from pydantic import Field


class WantedPayment(RequestBody):
    """`return_url` is where PayFiP sends the browser afterwards; `{payment_id}` in it becomes the payment's own."""

    invoice_ids: Annotated[list[UUID], Field(min_length=1, max_length=20)]
    return_url: Annotated[str, Field(max_length=500, pattern=r"^https?://[!-\[\]-~]+$")]


class PaymentOpened(Answer):
    payment_id: UUID
    redirect_url: str


class PaymentAnswer(Answer):
    """`redirect_url`: PayFiP's page, while the payment is pending and the page can be opened."""

    id: UUID
    status: str
    amount_cents: int
    invoice_ids: list[UUID]
    opened_at: datetime
    redirect_url: str | None = None
