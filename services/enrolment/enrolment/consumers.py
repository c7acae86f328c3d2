"""What enrolment does with what it hears."""

from chassis.inbox import Handlers
from contracts.billing import (
    CreditGranted,
    InvoiceCancelled,
    InvoiceLapsed,
    InvoiceOpened,
    InvoiceRefused,
    InvoiceSettled,
)
from contracts.dossier import ChildChanged, DossierChanged

from enrolment.cancellations import cancel_refused
from enrolment.families import keep_child, keep_dossier
from enrolment.settlements import keep_invoice, take_late_credit

HANDLERS: Handlers = {
    DossierChanged: keep_dossier,
    ChildChanged: keep_child,
    InvoiceOpened: keep_invoice,
    InvoiceSettled: keep_invoice,
    InvoiceLapsed: keep_invoice,
    InvoiceCancelled: keep_invoice,
    InvoiceRefused: cancel_refused,
    CreditGranted: take_late_credit,
}
