"""The words of enrolment's messages to families and to the desk."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from chassis.identifiers import new_id
from contracts.enrolment import NoticeWritten
from french.wording import euros, moment

from enrolment.bookings.models import Booking, BookingLine
from enrolment.copies import Child


def _lines(booking: Booking, children: Mapping[UUID, Child]) -> str:
    """« Inès : Vacances de Noël, semaine du 21 décembre (Accueil de loisirs La Bièvre) ; … », of all if none stands."""
    return " ; ".join(_line(line, children) for line in booking.standing or booking.lines)


def _line(line: BookingLine, children: Mapping[UUID, Child]) -> str:
    return f"{children[line.child_id].first_name} : {line.week.name} ({line.week.centre})"


def booked_at_desk(booking: Booking, children: Mapping[UUID, Child]) -> NoticeWritten:
    """To the family: the desk has booked for it, and until when that is to be paid."""
    until = (
        f"Elle est à payer au plus tard le {moment(booking.pay_by)} : après ce délai, les places ne sont plus gardées. "
        "Le montant est affiché avec la réservation dans l'Espace Familles ; le guichet peut aussi vous renseigner."
        if booking.pay_by
        else "Le montant et le délai de paiement sont affichés avec la réservation dans l'Espace Familles ; le guichet "
        "peut aussi vous renseigner."
    )
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=booking.dossier_id,
        title="Le guichet a réservé pour votre famille",
        paragraphs=(f"Une réservation a été faite pour vous au guichet : {_lines(booking, children)}.", until),
        link=f"/reservations/{booking.id}",
    )


def cancelled_at_desk(
    booking: Booking, children: Mapping[UUID, Child], cancelled: Iterable[BookingLine]
) -> NoticeWritten:
    """To the family: what the desk has cancelled for it, each with whether it is given back."""
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=booking.dossier_id,
        title="Le guichet a annulé une réservation de votre famille",
        paragraphs=(
            *(f"{_line(line, children)}. {line.reason}" for line in cancelled),
            "Si vous ne l'avez pas demandé, adressez-vous au guichet.",
        ),
        link=f"/reservations/{booking.id}",
    )


def lapsed(booking: Booking, children: Mapping[UUID, Child]) -> NoticeWritten:
    """To the family: not paid in time, the places are free again."""
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=booking.dossier_id,
        title="Votre réservation a expiré",
        paragraphs=(
            "Nous n'avons pas reçu le paiement de votre réservation dans le délai prévu. Les places ne sont plus "
            f"gardées : {_lines(booking, children)}.",
            "Si vous venez de payer, ne payez pas une seconde fois : dès que le paiement nous parvient, la réservation "
            "est rétablie si les places sont encore libres ; sinon la somme est gardée en crédit pour votre famille.",
            "Si vous n'avez pas payé, vous pouvez faire une nouvelle réservation dans l'Espace Familles.",
        ),
    )


def no_place_left(booking: Booking, children: Mapping[UUID, Child], amount_cents: int) -> NoticeWritten:
    """To the family: the money came too late, and the places are gone."""
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=booking.dossier_id,
        title="Paiement reçu trop tard : la somme est gardée en crédit",
        paragraphs=(
            f"Votre paiement de {euros(amount_cents)} nous est parvenu après l'expiration de votre réservation, qui "
            f"ne peut plus être rétablie : {_lines(booking, children)}.",
            "Rien n'est perdu : la somme est gardée en crédit pour votre famille. Vous pouvez réserver une autre "
            "semaine ; le guichet, qui est prévenu, peut aussi vous renseigner.",
        ),
    )


def no_place_left_for_desk(
    booking: Booking, children: Mapping[UUID, Child], amount_cents: int, dossier_number: str
) -> NoticeWritten:
    """To the desk: the same, so that somebody calls the family."""
    return NoticeWritten(
        notice_id=new_id(),
        desk=True,
        dossier_id=booking.dossier_id,
        title=f"Dossier {dossier_number} : paiement reçu trop tard, places reprises",
        paragraphs=(
            f"Un paiement de {euros(amount_cents)} est parvenu après l'expiration d'une réservation du dossier "
            f"{dossier_number}, qui ne peut plus être rétablie : {_lines(booking, children)}.",
            "La somme est gardée en crédit et la famille est prévenue. Proposez-lui une autre semaine.",
        ),
    )


def cancelled_before_payment(booking: Booking, children: Mapping[UUID, Child], amount_cents: int) -> NoticeWritten:
    """To the family: the money came for a booking that it had cancelled."""
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=booking.dossier_id,
        title="Paiement reçu pour une réservation annulée : la somme est gardée en crédit",
        paragraphs=(
            f"Votre paiement de {euros(amount_cents)} nous est parvenu après l'annulation de votre réservation : "
            f"{_lines(booking, children)}.",
            "La réservation reste annulée ; la somme est gardée en crédit pour votre famille.",
        ),
    )


def paid_again(booking: Booking, children: Mapping[UUID, Child], amount_cents: int) -> NoticeWritten:
    """To the family: one more late payment of a booking that another one has revived and paid."""
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=booking.dossier_id,
        title="Second paiement reçu : la somme est gardée en crédit",
        paragraphs=(
            f"Un second paiement de {euros(amount_cents)} nous est parvenu pour votre réservation, qui est déjà "
            f"rétablie et payée : {_lines(booking, children)}.",
            "Rien n'est perdu : la somme est gardée en crédit pour votre famille.",
        ),
    )


def not_billable(booking: Booking, children: Mapping[UUID, Child], reason: str) -> NoticeWritten:
    """To the family: billing could not bill it, so it is cancelled."""
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=booking.dossier_id,
        title="Votre réservation n'a pas pu être facturée : elle est annulée",
        paragraphs=(
            f"Votre réservation est annulée et ses places sont libérées : {_lines(booking, children)}.",
            f"Elle ne pouvait pas être facturée : {reason}",
            "Vous n'avez rien à payer. Le guichet est prévenu et peut vous renseigner.",
        ),
    )


def not_billable_for_desk(
    booking: Booking, children: Mapping[UUID, Child], reason: str, dossier_number: str
) -> NoticeWritten:
    """To the desk: the same, so that what is missing is completed and somebody calls the family."""
    return NoticeWritten(
        notice_id=new_id(),
        desk=True,
        dossier_id=booking.dossier_id,
        title=f"Dossier {dossier_number} : réservation annulée, elle ne pouvait pas être facturée",
        paragraphs=(
            f"Une réservation du dossier {dossier_number} est annulée et ses places sont libérées : "
            f"{_lines(booking, children)}.",
            f"La facturation l'a refusée : {reason}",
            "La famille est prévenue. Faites compléter ce qui manque, puis proposez-lui de réserver de nouveau.",
        ),
    )
