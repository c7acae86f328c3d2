"""The messages to families and to the desk, in formal French."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from chassis.identifiers import new_id
from contracts.billing import NoticeWritten
from french.wording import day, days, euros, hour

from billing.models import Invoice, InvoiceStatus

FREE = "Votre réservation est gratuite : il n'y a rien à payer."
FROM_CREDIT = "Elle a été réglée avec le crédit dont votre famille disposait."
DEFERRED = "Son montant, inférieur à 1 €, sera repris dans votre prochaine facture mensuelle."
CREDIT_USE = (
    "Votre crédit règle de lui-même toute nouvelle facture qu'il couvre en entier ; vous pouvez aussi en demander le"
    " remboursement à la régie."
)


def paid_online(now: datetime) -> str:
    return f"Votre paiement en ligne a été reçu le {day(now)} à {hour(now)}."


def until(end: datetime, today: datetime) -> str:
    """« 14 h 05 », or « 9 h 00, le mercredi 3 mars 2027 » where that is another day than today."""
    return hour(end) if day(end) == day(today) else f"{hour(end)}, le {day(end)}"


def receipt(invoice: Invoice, how: str) -> NoticeWritten:
    """The receipt of a settled invoice; `how` says what settled it."""
    return _to_family(
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
        f"Si ce prix ne vous convient pas, ne payez pas : la réservation s'annulera d'elle-même après {_end(invoice)}."
    )
    return _to_family(
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
    return _to_family(
        note.dossier_id,
        f"Avoir {note.number}",
        f"À la suite d'une annulation, l'avoir {note.number} corrige la facture {corrected.number} et {effect}",
        *_lines(note),
        CREDIT_USE,
        link=_page(note),
    )


def money_kept(
    dossier_id: UUID, received_cents: int, kept_cents: int, credit_cents: int, unpaid: Iterable[Invoice], now: datetime
) -> NoticeWritten:
    """Money that settled nothing: a second payment of one debt, or another amount than the one asked for."""
    kept = (
        f"De cette somme, {euros(kept_cents)} n'a pas servi à régler une facture : ce montant reste à vous et"
        f" s'ajoute à votre crédit, qui est maintenant de {euros(credit_cents)}. {CREDIT_USE}"
    )
    return _to_family(
        dossier_id,
        "Une somme est conservée à votre crédit" if kept_cents else "Votre facture n'est réglée qu'en partie",
        f"Votre paiement en ligne de {euros(received_cents)} a été reçu le {day(now)} à {hour(now)}.",
        *([kept] if kept_cents else []),
        *(
            f"La somme reçue ne suffit pas à régler votre facture, {_still_due(invoice)}. Adressez-vous à la régie en"
            " cas de doute."
            for invoice in unpaid
        ),
        link="/factures",
    )


def debit_returned(dossier_id: UUID, cents: int, reopened: Iterable[Invoice], credit_cents: int) -> NoticeWritten:
    """The bank has refused a direct debit after all."""
    return _to_family(
        dossier_id,
        "Votre prélèvement a été rejeté",
        f"Votre banque a rejeté le prélèvement de {euros(cents)} fait par PayFiP : cette somme ne nous est pas"
        " parvenue, alors que nous l'avions comptée.",
        *(
            f"La facture {invoice.number} est de nouveau à payer : il reste {euros(invoice.due_cents)}. Votre"
            " réservation est maintenue ; réglez cette facture en ligne, ou adressez-vous à la régie."
            for invoice in reopened
            if invoice.due_cents
        ),
        f"Votre crédit est maintenant de {euros(credit_cents)}.",
        link="/factures",
    )


def debit_returned_for_desk(number: str, refdet: str, cents: int, reopened: Iterable[Invoice]) -> NoticeWritten:
    """To the desk: money that was counted is not there."""
    return NoticeWritten(
        notice_id=new_id(),
        desk=True,
        title=f"Prélèvement rejeté, dossier {number}",
        paragraphs=(
            f"Paiement {refdet} du dossier {number} : le prélèvement de {euros(cents)}, accepté par PayFiP, a été"
            " rejeté par la banque.",
            *(
                f"La facture {invoice.number} est rouverte : il reste {euros(invoice.due_cents)} à payer."
                for invoice in reopened
                if invoice.due_cents
            ),
            "La famille en est prévenue ; ses places sont maintenues.",
        ),
    )


def other_amount(number: str, refdet: str, asked_cents: int, received_cents: int) -> NoticeWritten:
    """To the desk: PayFiP reports another amount than the one asked for."""
    return NoticeWritten(
        notice_id=new_id(),
        desk=True,
        title=f"Montant inattendu de PayFiP, dossier {number}",
        paragraphs=(
            f"Paiement {refdet} du dossier {number} : {euros(asked_cents)} demandés, {euros(received_cents)} reçus.",
            "La somme reçue est inscrite au crédit de la famille, qui en est prévenue. Vérifiez l'encaissement auprès"
            " de PayFiP.",
        ),
    )


def _still_due(invoice: Invoice) -> str:
    if invoice.status is InvoiceStatus.TO_PAY:
        return f"de {euros(invoice.due_cents)}, encore à payer avant {_end(invoice)}"
    return f"dont il reste {euros(invoice.due_cents)} à payer"


def _end(invoice: Invoice) -> str:
    assert invoice.payable_until  # noqa: S101 -- what is to pay has an end
    return until(invoice.payable_until, invoice.opened_at)


def _lines(invoice: Invoice) -> list[str]:
    return [
        f"{line.child_name}, {line.label} ({days(len(line.dates))}) : {euros(line.amount_cents)}."
        for line in invoice.lines
    ]


def _page(invoice: Invoice) -> str:
    return f"/factures/{invoice.id}"


def _to_family(dossier_id: UUID, title: str, *paragraphs: str, link: str) -> NoticeWritten:
    return NoticeWritten(notice_id=new_id(), dossier_id=dossier_id, title=title, paragraphs=paragraphs, link=link)
