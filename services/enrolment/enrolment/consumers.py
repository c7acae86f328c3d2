"""What enrolment does with what it hears."""

from chassis.copies import keep
from chassis.inbox import Handlers
from contracts.billing import (
    CreditGranted,
    InvoiceCancelled,
    InvoiceLapsed,
    InvoiceOpened,
    InvoiceRefused,
    InvoiceSettled,
    RegieChanged,
)
from contracts.dossier import ChildChanged, DossierChanged

from enrolment.bookings.cancellations import cancel_refused
from enrolment.bookings.settlements import keep_invoice, take_late_credit
from enrolment.copies import Child, Dossier, Regie, reachable

HANDLERS: Handlers = {
    DossierChanged: keep(Dossier, reachable=reachable),
    ChildChanged: keep(Child),
    RegieChanged: keep(Regie),
    InvoiceOpened: keep_invoice,
    InvoiceSettled: keep_invoice,
    InvoiceLapsed: keep_invoice,
    InvoiceCancelled: keep_invoice,
    InvoiceRefused: cancel_refused,
    CreditGranted: take_late_credit,
}
