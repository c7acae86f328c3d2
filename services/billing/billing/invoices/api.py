"""Invoices and balance over HTTP."""

from operator import attrgetter
from uuid import UUID

from chassis.bodies import Page, Paged
from chassis.database import Session
from fastapi import APIRouter

from billing.edge import Reader
from billing.invoices import reading
from billing.invoices.models import InvoiceStatus
from billing.invoices.schemas import Balance, InvoiceAnswer
from billing.ledger import books
from billing.ledger.models import Account

router = APIRouter()


@router.get("/invoices")
async def list_invoices(
    caller: Reader,
    session: Session,
    paging: Paged,
    dossier_id: UUID | None = None,
    status: InvoiceStatus | None = None,
) -> Page[InvoiceAnswer]:
    """Newest first. The staff sees every family's, or those of `dossier_id`; a cashier, those of their régies."""
    found = await reading.invoices(session, caller, dossier_id, status, paging)
    return paging.page(found, InvoiceAnswer.model_validate, attrgetter("id"))


@router.get("/invoices/{invoice_id}")
async def read_invoice(invoice_id: UUID, caller: Reader, session: Session) -> InvoiceAnswer:
    return InvoiceAnswer.model_validate(await reading.invoice(session, caller, invoice_id))


@router.get("/balance")
async def read_balance(caller: Reader, session: Session, dossier_id: UUID | None = None) -> Balance:
    acting = caller.acting(dossier_id)
    return Balance(
        dossier_id=acting.dossier_id,
        owed_cents=await reading.owed(session, acting),
        deferred_cents=await books.balance(session, acting.dossier_id, Account.DEFERRED),
        credit_cents=await books.credit(session, acting.dossier_id),
    )
