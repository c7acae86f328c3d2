"""Opening a payment: which invoices may be paid, one payment at a time, PayFiP called between two transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis import clock
from chassis.database import Database
from chassis.idempotency import Once
from chassis.identifiers import new_id
from chassis.problems import NotFound, Problem
from contracts.caller import Caller
from contracts.dossier import Adult
from fastapi import Response
from french.paris import PARIS
from pydantic import BaseModel
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing import payfip, watching
from billing.invoices import SMALLEST_PAYMENT_CENTS
from billing.ledger import hold_family
from billing.models import (
    OPEN,
    BookingInvoice,
    Dossier,
    Invoice,
    InvoiceStatus,
    Payment,
    PaymentInvoice,
    PaymentNews,
    PaymentStatus,
    Regie,
)
from billing.notices import until
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


class PaymentOpened(BaseModel):
    payment_id: UUID
    redirect_url: str


@dataclass(frozen=True)
class Opening:
    """A payment that PayFiP is now asked to open."""

    payment_id: UUID
    order: payfip.Order
    kept_until: datetime | None


async def open_payment(
    database: Database,
    settings: Settings,
    guardian: Caller,
    dossier_id: UUID,
    invoice_ids: Sequence[UUID],
    return_url: str,
    once: Once,
) -> Response:
    """Answer with the payment of these invoices that the family should use: the one still open, or a new one.

    Raises NotFound, AlreadySettled, NotPayable, OneRegieOnly, TooSmall, EmailNeeded, InProgress, PayFiPUnavailable.
    """
    async with database.sessions.begin() as session:
        if answered := await once.stored(session):
            return answered
        invoices = await _own_invoices(session, dossier_id, invoice_ids)
        older = await _undecided(session, invoice_ids)
    for payment in older:
        # Perhaps it was paid: better asked than paid twice.
        if payment.idop and not _page_opens(payment, clock.now()):
            status = await watching.ask(database, settings, payment.id, payment.idop, payment.next_check_at)
            if status == PaymentStatus.UNCERTAIN:
                raise PayFiPUnavailable(_kept_until(invoices))
    async with database.sessions.begin() as session:
        # Before looking again: a twin's answer is kept under this lock, together with the payment that would be found.
        await hold_family(session, dossier_id)
        if answered := await once.stored(session):
            return answered
        opening = await _prepare(session, guardian, dossier_id, invoice_ids, return_url)
        if isinstance(opening, Payment):
            return await once.keep(session, 201, _opened(settings, opening))
    return await _open_at_payfip(database, settings, dossier_id, opening, once)


async def _open_at_payfip(
    database: Database, settings: Settings, dossier_id: UUID, opening: Opening, once: Once
) -> Response:
    try:
        idop = await payfip.open_payment(settings, opening.order)
    except payfip.NotOpened as error:
        async with database.sessions.begin() as session:
            (await _locked(session, opening.payment_id)).hear(PaymentNews.NOT_OPENED)
        raise EmailNeeded if error.for_email else PayFiPUnavailable(opening.kept_until) from None
    async with database.sessions.begin() as session:
        await hold_family(session, dossier_id)
        payment = await _locked(session, opening.payment_id)
        if not payment.hear(PaymentNews.OPENED):  # given up meanwhile as its process's death; nobody has seen its idOp
            raise PayFiPUnavailable(opening.kept_until)
        payment.idop = idop
        payment.next_check_at = watching.next_check(payment.opened_at, clock.now())
        return await once.keep(session, 201, _opened(settings, payment))


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


def redirect_url(settings: Settings, payment: Payment, now: datetime) -> str | None:
    """PayFiP's page, while it can be opened."""
    still_due = all(invoice.status in OPEN for invoice in payment.invoices)
    if payment.idop and payment.status == PaymentStatus.PENDING and still_due and _page_opens(payment, now):
        return payfip.page(settings, payment.idop)
    return None


def _page_opens(payment: Payment, now: datetime) -> bool:
    return now < payment.opened_at + PAGE_OPENS_FOR


def _opened(settings: Settings, payment: Payment) -> PaymentOpened:
    assert payment.idop  # noqa: S101 -- a pending payment has one
    return PaymentOpened(payment_id=payment.id, redirect_url=payfip.page(settings, payment.idop))


async def _prepare(
    session: AsyncSession, guardian: Caller, dossier_id: UUID, invoice_ids: Sequence[UUID], return_url: str
) -> Payment | Opening:
    """The payment already open for these invoices, or a new one that has still to be opened at PayFiP. The family is
    held."""
    now = clock.now()
    invoices = await _own_invoices(session, dossier_id, invoice_ids)
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
        dossier_id=dossier_id,
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
        mel=await _email(session, guardian, dossier_id),
        return_url=return_url,
    )
    return Opening(payment_id, order, kept_until)


def _kept_until(invoices: Sequence[Invoice]) -> datetime | None:
    """Until when a payment of them may be opened; none: as long as they are due."""
    ends = (one.payable_until for one in invoices if one.status is InvoiceStatus.TO_PAY and one.payable_until)
    return min(ends, default=None)


async def _own_invoices(session: AsyncSession, dossier_id: UUID, invoice_ids: Sequence[UUID]) -> Sequence[Invoice]:
    invoices = (await session.scalars(select(Invoice).where(Invoice.id.in_(invoice_ids)))).all()
    if len(invoices) != len(set(invoice_ids)) or any(invoice.dossier_id != dossier_id for invoice in invoices):
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


async def _email(session: AsyncSession, guardian: Caller, dossier_id: UUID) -> str:
    """The guardian's own address, else a payer's, that PayFiP would accept: nobody else's goes there."""
    dossier = await session.get(Dossier, dossier_id)
    adults = [Adult.model_validate(one) for one in dossier.adults] if dossier else []
    adults.sort(key=lambda adult: adult.adult_id != guardian.guardian_id)
    for adult in adults:
        their = adult.adult_id == guardian.guardian_id or "payer" in adult.roles
        if their and adult.email and "@" in adult.email and 6 <= len(adult.email) <= 80:
            return adult.email
    raise EmailNeeded
