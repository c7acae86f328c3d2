"""Payments over HTTP: opened by families, followed, and PayFiP's word that one has news."""

import re
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from chassis import clock
from chassis.database import Session
from chassis.idempotency import OnceOnly
from chassis.policies import PUBLIC
from chassis.problems import Malformed, NotFound, TooLarge, problems
from fastapi import APIRouter, Request, Response

from billing.edge import Configured, FamilyOrCashier, Guardian, OwnTransactions
from billing.ledger.books import hold_family
from billing.payments import opening, payfip, watching
from billing.payments.models import Payment
from billing.payments.schemas import PaymentAnswer, PaymentOpened, WantedPayment
from billing.settings import Settings

router = APIRouter()


class ReturnUrlRefused(Malformed):
    type = "urn:problem:billing:return-url-refused"
    title = "Adresse de retour refusée"
    detail = "PayFiP ne peut renvoyer votre navigateur que vers l'Espace Familles : revenez-y et recommencez."


@router.post("/payments", status_code=201, response_model=PaymentOpened)
@problems(
    NotFound,
    ReturnUrlRefused,
    opening.AlreadySettled,
    opening.NotPayable,
    opening.OneRegieOnly,
    opening.TooSmall,
    opening.EmailNeeded,
    opening.InProgress,
    opening.PayFiPUnavailable,
)
async def open_payment(
    body: WantedPayment, guardian: Guardian, database: OwnTransactions, settings: Configured, once: OnceOnly
) -> Response:
    """The payment of these invoices that the family should use: the one still open, or a new one.

    Not the request's one transaction: PayFiP is called between two of its own.
    """
    if _origin(body.return_url) not in settings.return_origins:
        raise ReturnUrlRefused(errors=[{"pointer": "/return_url", "detail": "Cette adresse n'est pas acceptée."}])
    acting = guardian.acting(None)
    async with database.sessions.begin() as session:
        if answered := await once.stored(session):
            return answered
        doubted = await opening.doubted(session, acting, body.invoice_ids)
    await opening.ask_about(database, settings, doubted)
    async with database.sessions.begin() as session:
        # Before looking again: a twin's answer is kept under this lock, together with the payment that would be found.
        await hold_family(session, acting.dossier_id)
        if answered := await once.stored(session):
            return answered
        found = await opening.prepare(session, acting, body.invoice_ids, body.return_url)
        if isinstance(found, Payment):
            return await once.keep(session, 201, _opened(settings, found))
    idop = await opening.open_at_payfip(database, settings, found)
    async with database.sessions.begin() as session:
        payment = await opening.opened(session, found, idop)
        return await once.keep(session, 201, _opened(settings, payment))


def _opened(settings: Settings, payment: Payment) -> PaymentOpened:
    assert payment.idop  # noqa: S101 -- a pending payment has one
    return PaymentOpened(payment_id=payment.id, redirect_url=payfip.page(settings, payment.idop))


@router.get("/payments/{payment_id}")
async def read_payment(
    payment_id: UUID, caller: FamilyOrCashier, session: Session, settings: Configured
) -> PaymentAnswer:
    payment = await opening.payment(session, caller, payment_id)
    answer = PaymentAnswer.model_validate(payment)
    answer.redirect_url = opening.redirect_url(settings, payment, clock.now())
    return answer


@router.post("/payfip/notifications", dependencies=[PUBLIC])
@problems(TooLarge)
async def hear_payfip(request: Request, session: Session) -> None:
    """Anybody may say that a payment has news; PayFiP alone is believed, when the worker asks it."""
    form = parse_qs((await request.body()).decode("latin-1"))
    idop = (form.get("idOp") or form.get("idop") or [""])[0]
    if re.fullmatch(r"[0-9A-Za-z-]{1,64}", idop):
        await watching.notified(session, idop, clock.now())


def _origin(address: str) -> str | None:
    """Scheme and host; none for what is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"
