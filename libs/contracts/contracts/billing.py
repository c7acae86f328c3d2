"""Events that billing publishes."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.envelope import Event, Fact
from contracts.notices import NoticeWritten as Notice


class InvoiceLine(Fact):
    """What one line of the booking costs; `position` is the booking line's."""

    position: int
    amount_cents: int


class Invoice(Event):
    """The one shape of every event of a booking's invoice, each with its own fixed status: the invoice as it is now.

    `number` is none until it is settled; `booking_version` is the version of the booking it was opened for, so that a
    revived booking knows its new invoice from the lapsed one; `repriced` says that the quote could not be honoured.
    """

    subject_field: ClassVar[str] = "invoice_id"

    invoice_id: UUID
    booking_id: UUID
    booking_version: int
    dossier_id: UUID
    status: str
    amount_cents: int
    lines: tuple[InvoiceLine, ...]
    number: str | None
    payable_until: AwareDatetime
    repriced: bool = False
    reason: str | None = None


class InvoiceOpened(Invoice):
    type: ClassVar[str] = "billing.invoice_opened"

    status: Literal["to_pay"] = "to_pay"


class InvoiceSettled(Invoice):
    type: ClassVar[str] = "billing.invoice_settled"

    status: Literal["settled"] = "settled"


class InvoiceLapsed(Invoice):
    type: ClassVar[str] = "billing.invoice_lapsed"

    status: Literal["lapsed"] = "lapsed"


class InvoiceCancelled(Invoice):
    type: ClassVar[str] = "billing.invoice_cancelled"

    status: Literal["cancelled"] = "cancelled"


class InvoiceRefused(Event):
    """A booking that cannot be billed at all; `version` is the booking's that was refused, `reason` in French."""

    type: ClassVar[str] = "billing.invoice_refused"
    subject_field: ClassVar[str] = "booking_id"

    booking_id: UUID
    dossier_id: UUID
    reason: str


class RegieChanged(Event):
    """Who collects; `code` names the régie in the town's file."""

    type: ClassVar[str] = "billing.regie_changed"
    subject_field: ClassVar[str] = "regie_id"

    regie_id: UUID
    code: str
    name: str


class CreditGranted(Event):
    """Money a family has with us; `booking_id` is the booking that it came too late for."""

    type: ClassVar[str] = "billing.credit_granted"
    subject_field: ClassVar[str] = "credit_id"

    credit_id: UUID
    version: int = 1
    dossier_id: UUID
    amount_cents: int
    booking_id: UUID | None


class NoticeWritten(Notice):
    type: ClassVar[str] = "billing.notice_written"


EVENTS: tuple[type[Event], ...] = (
    RegieChanged,
    InvoiceOpened,
    InvoiceSettled,
    InvoiceLapsed,
    InvoiceCancelled,
    InvoiceRefused,
    CreditGranted,
    NoticeWritten,
)
