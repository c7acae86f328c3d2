"""Quotes, invoices, payments and balance over HTTP."""

import re
from typing import Annotated
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from chassis import clock
from chassis.database import Session
from chassis.idempotency import OnceOnly
from chassis.policies import PUBLIC, Policy
from chassis.problems import Forbidden, Malformed, NotFound, TooLarge, problems
from contracts.caller import Caller
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import func, select

from billing import ledger, payments, quotes, watching
from billing.models import OPEN, Account, Invoice, InvoiceState, Payment
from billing.schemas import (
    Balance,
    InvoiceAnswer,
    Invoices,
    PaymentAnswer,
    QuoteAnswer,
    WantedPayment,
    WantedQuote,
)

router = APIRouter()

Guardian = Annotated[Caller, Depends(Policy("guardian"))]
FamilyOrAgent = Annotated[Caller, Depends(Policy("guardian", "agent"))]
FamilyOrCashier = Annotated[Caller, Depends(Policy("guardian", "cashier"))]


class ReturnUrlRefused(Malformed):
    type = "urn:problem:billing:return-url-refused"
    title = "Adresse de retour refusée"
    detail = "PayFiP ne peut renvoyer votre navigateur que vers l'Espace Familles : revenez-y et recommencez."


@router.post("/quotes", status_code=201)
@problems(NotFound, quotes.NoTariff, quotes.NoRegie, quotes.SeveralRegies)
async def make_quote(body: WantedQuote, caller: FamilyOrAgent, session: Session) -> QuoteAnswer:
    wanted = [(line.child_id, line.holiday_week_id) for line in body.lines]
    made = await quotes.quote(session, _dossier(caller, body.dossier_id), wanted, clock.now())
    return QuoteAnswer.model_validate(made)


@router.get("/invoices")
async def list_invoices(
    caller: FamilyOrCashier,
    session: Session,
    dossier_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: UUID | None = None,
) -> Invoices:
    """Newest first. A cashier sees every family's, or those of `dossier_id`."""
    asked = select(Invoice).order_by(Invoice.id.desc()).limit(limit + 1)
    if caller.role == "guardian" or dossier_id:
        asked = asked.where(Invoice.dossier_id == _dossier(caller, dossier_id))
    if cursor:
        asked = asked.where(Invoice.id < cursor)
    found = (await session.scalars(asked)).all()
    return Invoices(
        items=[InvoiceAnswer.model_validate(one) for one in found[:limit]],
        next_cursor=str(found[limit - 1].id) if len(found) > limit else None,
    )


@router.get("/invoices/{invoice_id}")
async def read_invoice(invoice_id: UUID, caller: FamilyOrCashier, session: Session) -> InvoiceAnswer:
    invoice = await session.get(Invoice, invoice_id)
    if invoice is None or not _may_read(caller, invoice.dossier_id):
        raise NotFound
    return InvoiceAnswer.model_validate(invoice)


@router.post("/payments", status_code=201, response_model=payments.PaymentOpened)
@problems(
    NotFound,
    ReturnUrlRefused,
    payments.AlreadySettled,
    payments.NotPayable,
    payments.OneRegieOnly,
    payments.TooSmall,
    payments.EmailNeeded,
    payments.InProgress,
    payments.PayFiPUnavailable,
)
async def open_payment(body: WantedPayment, caller: Guardian, request: Request, once: OnceOnly) -> Response:
    state = request.app.state
    if _origin(body.return_url) not in state.settings.return_origins:
        raise ReturnUrlRefused(errors=[{"pointer": "/return_url", "detail": "Cette adresse n'est pas acceptée."}])
    # Not the request's one transaction: PayFiP is called between two of its own.
    return await payments.open_payment(
        state.database, state.settings, caller, _dossier(caller, None), body.invoice_ids, body.return_url, once
    )


@router.get("/payments/{payment_id}")
async def read_payment(payment_id: UUID, caller: FamilyOrCashier, session: Session, request: Request) -> PaymentAnswer:
    payment = await session.get(Payment, payment_id)
    if payment is None or not _may_read(caller, payment.dossier_id):
        raise NotFound
    answer = PaymentAnswer.model_validate(payment)
    answer.redirect_url = payments.redirect_url(request.app.state.settings, payment, clock.now())
    return answer


@router.post("/payfip/notifications", dependencies=[PUBLIC])
@problems(TooLarge)
async def hear_payfip(request: Request, session: Session) -> None:
    """Anybody may say that a payment has news; PayFiP alone is believed, when the worker asks it."""
    form = parse_qs((await request.body()).decode("latin-1"))
    idop = (form.get("idOp") or form.get("idop") or [""])[0]
    if re.fullmatch(r"[0-9A-Za-z-]{1,64}", idop):
        await watching.notified(session, idop, clock.now())


@router.get("/balance")
async def read_balance(caller: FamilyOrCashier, session: Session, dossier_id: UUID | None = None) -> Balance:
    family = _dossier(caller, dossier_id)
    owed = await session.scalar(
        select(func.coalesce(func.sum(Invoice.amount_cents - InvoiceState.allocated_cents), 0))
        .join(Invoice.state)
        .where(Invoice.dossier_id == family, InvoiceState.status.in_(OPEN))
    )
    return Balance(
        owed_cents=owed or 0,
        deferred_cents=await ledger.balance(session, family, Account.DEFERRED),
        credit_cents=await ledger.credit(session, family),
    )


def _origin(address: str) -> str | None:
    """Scheme and host; none for what is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def _dossier(caller: Caller, said: UUID | None) -> UUID:
    """Whose family a request is about: a guardian's own, which they never say; for staff, the one they say."""
    guardian = caller.role == "guardian"
    if guardian == (said is not None):
        detail = "Ce champ est réservé aux agents." if guardian else "Ce champ est obligatoire."
        raise Malformed(errors=[{"pointer": "/dossier_id", "detail": detail}])
    dossier_id = caller.dossier_id if guardian else said
    if dossier_id is None:
        raise Forbidden
    return dossier_id


def _may_read(caller: Caller, dossier_id: UUID) -> bool:
    return caller.role != "guardian" or caller.dossier_id == dossier_id
