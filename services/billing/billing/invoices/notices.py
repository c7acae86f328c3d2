"""What families are told of their invoices and credit notes, in formal French."""

from contracts.billing import NoticeWritten
from french.wording import days, euros

from billing.invoices.models import Invoice, InvoiceStatus
from billing.notices import to_family, until

FREE = "Votre réservation est gratuite : il n'y a rien à payer."
FROM_CREDIT = "Elle a été réglée avec le crédit dont votre famille disposait."
DEFERRED = "Son montant, inférieur à 1 €, sera repris dans votre prochaine facture mensuelle."
CREDIT_USE = (
    "Votre crédit règle de lui-même toute nouvelle facture qu'il couvre en entier ; vous pouvez aussi en demander le"
    " remboursement à la régie."
)


def receipt(invoice: Invoice, how: str) -> NoticeWritten:
    """The receipt of a settled invoice; `how` says what settled it."""
    return to_family(
        invoice.dossier_id,
        f"Reçu de la facture {invoice.number}",
        f"Votre facture {invoice.number} de {euros(invoice.amount_cents)} est réglée. {how}",
        *_lines(invoice),
        f"Total : {euros(invoice.amount_cents)}.",
        link=_page(invoice),
    )


def repriced(invoice: Invoice) -> NoticeWritten:
    """Said before the family pays: the price is not the one that was shown to it."""
    way_out = (
        f"Si ce prix ne vous convient pas, ne payez pas : la réservation s'annulera d'elle-même après {end(invoice)}."
    )
    return to_family(
        invoice.dossier_id,
        "Le prix de votre réservation a été recalculé",
        "Le devis affiché n'était plus valable au moment de votre confirmation, ou ne correspondait pas à votre"
        f" réservation. Le prix a été recalculé : {euros(invoice.amount_cents)}.",
        *_lines(invoice),
        *([way_out] if invoice.status is InvoiceStatus.TO_PAY else []),
        link=_page(invoice),
    )


def credit_note(note: Invoice, corrected: Invoice) -> NoticeWritten:
    """What was cancelled and is refunded."""
    amount = euros(-note.amount_cents)
    effect = (
        f"diminue d'autant ce qui reste à payer de cette facture, {amount}."
        if corrected.status is InvoiceStatus.REOPENED
        else f"met {amount} à votre crédit."
    )
    return to_family(
        note.dossier_id,
        f"Avoir {note.number}",
        f"À la suite d'une annulation, l'avoir {note.number} corrige la facture {corrected.number} et {effect}",
        *_lines(note),
        CREDIT_USE,
        link=_page(note),
    )


def end(invoice: Invoice) -> str:
    """Until when it may be paid, as the family reads it."""
    assert invoice.payable_until  # noqa: S101 -- what is to pay has an end
    return until(invoice.payable_until, invoice.opened_at)


def _lines(invoice: Invoice) -> list[str]:
    return [
        f"{line.child_name}, {line.label} ({days(len(line.dates))}) : {euros(line.amount_cents)}."
        for line in invoice.lines
    ]


def _page(invoice: Invoice) -> str:
    return f"/factures/{invoice.id}"
