"""Opening a payment: which invoices may be paid, one payment at a time, PayFiP called between two transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.problems import NotFound, Problem
from chassis.reach import Acting, Reach
from contracts.dossier import Adult
from french.paris import PARIS
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Dossier
from billing.invoices.documents import SMALLEST_PAYMENT_CENTS
from billing.invoices.models import OPEN, BookingInvoice, Invoice, InvoiceStatus
from billing.invoices.reading import reaches
from billing.ledger.books import hold_family
from billing.models import Regie
from billing.notices import until
from billing.payments import payfip, watching
from billing.payments.models import Payment, PaymentInvoice
from billing.payments.rules import PaymentNews, PaymentStatus, next_check
from billing.settings import Settings

#: How long an idOp opens PayFiP's page.
PAGE_OPENS_FOR = timedelta(minutes=15)
#: A payment still `opening` after that belongs to a process that died.
OPENING_TAKES = timedelta(minutes=2)
#: A desk booking may be payable for days, with a payment opened each quarter of an hour.
UNDECIDED_AT_MOST = 20
BATCH = 100


class AlreadySettled(Problem):
    type = "urn:problem:billing:already-settled"
    title = "Facture déjà réglée"
    detail = "Cette facture est déjà réglée : il n'y a rien à payer."


class NotPayable(Problem):
    type = "urn:problem:billing:not-payable"
    title = "Facture qui ne peut plus être payée"
    detail = "Le délai de paiement de cette facture est passé, ou elle est annulée : refaites une réservation."


class OneRegieOnly(Problem):
    type = "urn:problem:billing:one-regie-only"
    title = "Paiement à faire en plusieurs fois"
    detail = "Ces factures ne se paient pas auprès de la même régie : payez-les séparément."


class EmailNeeded(Problem):
    type = "urn:problem:billing:email-needed"
    title = "Adresse électronique à compléter"
    detail = (
        "PayFiP demande une adresse électronique valable et votre dossier n'en contient pas : faites-la corriger, puis"
        " payez."
    )


class TooSmall(Problem):
    type = "urn:problem:billing:amount-too-small"
    title = "Montant trop petit pour PayFiP"
    detail = "PayFiP n'accepte pas moins de 1 € : adressez-vous à la régie, ou payez avec une autre facture."


class InProgress(Problem):
    type = "urn:problem:billing:payment-in-progress"
    title = "Paiement en cours d'ouverture"
    detail = "Un paiement est en train de s'ouvrir pour cette facture : attendez un instant, puis réessayez."


class PayFiPUnavailable(Problem):
    type = "urn:problem:billing:payfip-unavailable"
    status = 503
    title = "PayFiP ne répond pas"

    def __init__(self, kept_until: datetime | None) -> None:
        kept = f" Votre place est gardée au moins jusqu'à {until(kept_until, clock.now())}." if kept_until else ""
        super().__init__(
            f"Le service de paiement PayFiP ne répond pas.{kept} Attendez : ne payez pas deux fois, et réessayez dans"
            " quelques instants.",
            retry_after_s=10,
        )


@dataclass(frozen=True)
class Opening:
    """A payment that PayFiP is now asked to open."""

    payment_id: UUID
    dossier_id: UUID
    order: payfip.Order
    kept_until: datetime | None


@dataclass(frozen=True)
class Doubted:
    """Payments that may have been paid on a page that does not open any more; `kept_until`: see `_kept_until`."""

    payments: Sequence[Payment]
    kept_until: datetime | None


async def doubted(session: AsyncSession, acting: Acting, invoice_ids: Sequence[UUID]) -> Doubted:
    """Older payments of these invoices. Raises NotFound."""
    invoices, now = await _own_invoices(session, acting, invoice_ids), clock.now()
    older = [one for one in await _undecided(session, invoice_ids) if one.idop and not _page_opens(one, now)]
    return Doubted(older, _kept_until(invoices))


async def ask_about(database: Database, settings: Settings, doubted: Doubted) -> None:
    """Perhaps it was paid: better asked than paid twice. Raises PayFiPUnavailable."""
    for payment in doubted.payments:
        status = await watching.ask(database, settings, payment.id, str(payment.idop), payment.next_check_at)
        if status is PaymentStatus.UNCERTAIN:
            raise PayFiPUnavailable(doubted.kept_until)


async def prepare(
    session: AsyncSession, acting: Acting, invoice_ids: Sequence[UUID], return_url: str
) -> Payment | Opening:
    """The payment already open for these invoices, or a new one that has still to be opened at PayFiP; the family is
    held.

    Raises NotFound, AlreadySettled, NotPayable, OneRegieOnly, TooSmall, EmailNeeded, InProgress.
    """
    now = clock.now()
    invoices = await _own_invoices(session, acting, invoice_ids)
    if any(invoice.status is InvoiceStatus.SETTLED for invoice in invoices):
        raise AlreadySettled
    if any(invoice.status not in OPEN for invoice in invoices):
        raise NotPayable
    if len({invoice.regie_code for invoice in invoices}) > 1:
        raise OneRegieOnly
    kept_until, amount_cents = _kept_until(invoices), sum(invoice.due_cents for invoice in invoices)
    for payment in await _undecided(session, invoice_ids):
        if payment.status == PaymentStatus.OPENING:
            raise InProgress(retry_after_s=1)
        same = set(payment.invoice_ids) == set(invoice_ids) and payment.amount_cents == amount_cents
        if same and _page_opens(payment, now):
            return payment
    if kept_until and now >= kept_until:
        raise NotPayable
    if amount_cents < SMALLEST_PAYMENT_CENTS:
        raise TooSmall
    regie = await session.get_one(Regie, invoices[0].regie_code)
    payment_id = new_id()
    payment = Payment(
        id=payment_id,
        dossier_id=acting.dossier_id,
        amount_cents=amount_cents,
        refdet=f"{now.astimezone(PARIS):%Y%m%d}{payment_id.hex[-20:]}",
        opened_at=now,
        invoices=list(invoices),
    )
    session.add(payment)
    order = payfip.Order(
        numcli=regie.numcli,
        exer=f"{now.astimezone(PARIS):%Y}",
        refdet=payment.refdet,
        amount_cents=payment.amount_cents,
        subject=f"Espace Familles {regie.name}",
        mel=await _email(session, acting),
        return_url=return_url.replace("{payment_id}", str(payment_id)),
    )
    return Opening(payment_id, acting.dossier_id, order, kept_until)


async def open_at_payfip(database: Database, settings: Settings, opening: Opening) -> str:
    """The new payment's idOp. Raises EmailNeeded, PayFiPUnavailable."""
    try:
        return await payfip.open_payment(settings, opening.order)
    except payfip.NotOpened as error:
        async with database.sessions.begin() as session:
            (await _locked(session, opening.payment_id)).hear(PaymentNews.NOT_OPENED)
        raise EmailNeeded if error.for_email else PayFiPUnavailable(opening.kept_until) from None


async def opened(session: AsyncSession, opening: Opening, idop: str) -> Payment:
    """The payment, now that its page may be shown. Raises PayFiPUnavailable."""
    await hold_family(session, opening.dossier_id)
    payment = await _locked(session, opening.payment_id)
    if not payment.hear(PaymentNews.OPENED):  # given up meanwhile as its process's death; nobody has seen its idOp
        raise PayFiPUnavailable(opening.kept_until)
    payment.idop = idop
    payment.next_check_at = next_check(payment.opened_at, clock.now())
    return payment


async def give_up_openings(database: Database, settings: object) -> None:
    """Fail what a dead process left `opening`: its idOp, if there is one, was never shown to anybody."""
    async with database.sessions.begin() as session:
        abandoned = await session.scalars(
            select(Payment)
            .where(Payment.status == PaymentStatus.OPENING, Payment.opened_at < clock.now() - OPENING_TAKES)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        for payment in abandoned:
            payment.hear(PaymentNews.NOT_OPENED)


async def payment(session: AsyncSession, reach: Reach, payment_id: UUID) -> Payment:
    """Raises NotFound."""
    found = await session.get(Payment, payment_id)
    if found is None or not reaches(reach, found.dossier_id, found.regie_code):
        raise NotFound
    return found


def redirect_url(settings: Settings, payment: Payment, now: datetime) -> str | None:
    """PayFiP's page, while it can be opened."""
    still_due = all(invoice.status in OPEN for invoice in payment.invoices)
    if payment.idop and payment.status == PaymentStatus.PENDING and still_due and _page_opens(payment, now):
        return payfip.page(settings, payment.idop)
    return None


def _page_opens(payment: Payment, now: datetime) -> bool:
    return now < payment.opened_at + PAGE_OPENS_FOR


def _kept_until(invoices: Sequence[Invoice]) -> datetime | None:
    """Until when a payment of them may be opened; none: as long as they are due."""
    ends = (one.payable_until for one in invoices if one.status is InvoiceStatus.TO_PAY and one.payable_until)
    return min(ends, default=None)


async def _own_invoices(session: AsyncSession, acting: Acting, invoice_ids: Sequence[UUID]) -> Sequence[Invoice]:
    invoices = (await session.scalars(select(Invoice).where(Invoice.id.in_(invoice_ids)))).all()
    if len(invoices) != len(set(invoice_ids)) or any(invoice.dossier_id != acting.dossier_id for invoice in invoices):
        raise NotFound
    return invoices


async def _undecided(session: AsyncSession, invoice_ids: Sequence[UUID]) -> Sequence[Payment]:
    """The newest payments that may still succeed on a page the family has, of these invoices or what they replaced."""
    undecided = (PaymentStatus.OPENING, PaymentStatus.PENDING, PaymentStatus.UNCERTAIN)
    bookings = select(BookingInvoice.booking_id).where(BookingInvoice.invoice_id.in_(invoice_ids))
    replaced = select(BookingInvoice.invoice_id).where(BookingInvoice.booking_id.in_(bookings))
    theirs = or_(PaymentInvoice.invoice_id.in_(invoice_ids), PaymentInvoice.invoice_id.in_(replaced))
    found = await session.scalars(
        select(Payment)
        .where(Payment.status.in_(undecided), Payment.id.in_(select(PaymentInvoice.payment_id).where(theirs)))
        .order_by(Payment.id.desc())
        .limit(UNDECIDED_AT_MOST)
    )
    return found.all()


async def _locked(session: AsyncSession, payment_id: UUID) -> Payment:
    return await session.get_one(Payment, payment_id, with_for_update=True)


async def _email(session: AsyncSession, acting: Acting) -> str:
    """The guardian's own address, else a payer's, that PayFiP would accept: nobody else's goes there."""
    dossier, guardian_id = await session.get(Dossier, acting.dossier_id), acting.by.guardian_id
    adults = map(Adult.model_validate, dossier.adults if dossier else ())
    for adult in sorted(adults, key=lambda adult: adult.adult_id != guardian_id):
        their = adult.adult_id == guardian_id or "payer" in adult.roles
        if their and adult.email and "@" in adult.email and 6 <= len(adult.email) <= 80:
            return adult.email
    raise EmailNeeded
