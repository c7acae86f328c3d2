"""What families and the desk are told of money that came, or went back, in formal French."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from contracts.billing import NoticeWritten
from french.wording import day, euros, hour

from billing.invoices.models import Invoice, InvoiceStatus
from billing.invoices.notices import CREDIT_USE, end
from billing.notices import to_desk, to_family


def paid_online(now: datetime) -> str:
    return f"Votre paiement en ligne a été reçu le {day(now)} à {hour(now)}."


def money_kept(
    dossier_id: UUID, received_cents: int, kept_cents: int, credit_cents: int, unpaid: Iterable[Invoice], now: datetime
) -> NoticeWritten:
    """Money that settled nothing: a second payment of one debt, or another amount than the one asked for."""
    kept = (
        f"De cette somme, {euros(kept_cents)} n'a pas servi à régler une facture : ce montant reste à vous et"
        f" s'ajoute à votre crédit, qui est maintenant de {euros(credit_cents)}. {CREDIT_USE}"
    )
    return to_family(
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
    return to_family(
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


def debit_returned_for_desk(
    dossier_id: UUID, number: str, refdet: str, cents: int, reopened: Iterable[Invoice]
) -> NoticeWritten:
    """To the desk: money that was counted is not there."""
    return to_desk(
        dossier_id,
        f"Prélèvement rejeté, dossier {number}",
        f"Paiement {refdet} du dossier {number} : le prélèvement de {euros(cents)}, accepté par PayFiP, a été rejeté"
        " par la banque.",
        *(
            f"La facture {invoice.number} est rouverte : il reste {euros(invoice.due_cents)} à payer."
            for invoice in reopened
            if invoice.due_cents
        ),
        "La famille en est prévenue ; ses places sont maintenues.",
    )


def other_amount(dossier_id: UUID, number: str, refdet: str, asked_cents: int, received_cents: int) -> NoticeWritten:
    """To the desk: PayFiP reports another amount than the one asked for."""
    return to_desk(
        dossier_id,
        f"Montant inattendu de PayFiP, dossier {number}",
        f"Paiement {refdet} du dossier {number} : {euros(asked_cents)} demandés, {euros(received_cents)} reçus.",
        "La somme reçue est inscrite au crédit de la famille, qui en est prévenue. Vérifiez l'encaissement auprès de"
        " PayFiP.",
    )


def _still_due(invoice: Invoice) -> str:
    if invoice.status is InvoiceStatus.TO_PAY:
        return f"de {euros(invoice.due_cents)}, encore à payer avant {end(invoice)}"
    return f"dont il reste {euros(invoice.due_cents)} à payer"
