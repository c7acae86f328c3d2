"""« Facturation »: what is to pay, several at once; what was; each line explained."""

import asyncio

from starlette.responses import Response

from web.answers.billing import Balance, Invoice
from web.pages.payments import to_payfip
from web.refusals import NotFound, Refused
from web.visits import Visit, route

OPEN = ("to_pay", "reopened")
NOTHING_TICKED = "Cochez au moins une facture."


async def show_invoices(visit: Visit) -> Response:
    await visit.api.fresh()
    invoices, balance = await asyncio.gather(
        visit.api.all(Invoice, "/billing/v1/invoices", **visit.family),
        visit.api.get(Balance, "/billing/v1/balance", **visit.family),
    )
    due = [one for one in invoices if one.status in OPEN and one.due_cents > 0]
    past = [one for one in invoices if one not in due]
    return visit.page("invoices/invoices.html", due=due, past=past, balance=balance)


async def pay(visit: Visit) -> Response:
    """« Payer » of what is ticked."""
    ticked = list(dict.fromkeys(visit.form.all("facture")))
    if not ticked:
        visit.form.refuse("", NOTHING_TICKED)
        return await show_invoices(visit)
    try:
        return await to_payfip(visit, ticked)
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        visit.form.refused(refused, ())
        return await show_invoices(visit)


async def show_invoice(visit: Visit) -> Response:
    invoice = await visit.api.get(Invoice, f"/billing/v1/invoices/{visit.path('invoice_id')}")
    if visit.acting not in ("", invoice.dossier_id):
        raise NotFound
    return invoice_page(visit, invoice, f"{visit.base}/factures")


def invoice_page(visit: Visit, invoice: Invoice, back: str) -> Response:
    to_pay = invoice.status in OPEN and invoice.due_cents > 0
    return visit.page("invoices/invoice.html", invoice=invoice, to_pay=to_pay, back=back)


ROUTES = [
    route("/factures", show_invoices, pay),
    route("/factures/{invoice_id}", show_invoice),
]
