"""The invoices of a cashier's régies: what is to be paid, and all that were."""

from dataclasses import replace

from french.wording import day, euros
from starlette.responses import Response

from web.answers.billing import Invoice
from web.listings import Column, Filter, Listing
from web.pages.invoices import invoice_page
from web.roles import CASHIERS
from web.visits import Visit, route

PATH, API = "/agent/factures", "/billing/v1/invoices"
STATES = {
    "to_pay": "À payer",
    "reopened": "À payer de nouveau",
    "settled": "Réglée",
    "lapsed": "Délai passé",
    "cancelled": "Annulée",
}


def _name(one: Invoice) -> str:
    return f"{'Avoir' if one.kind == 'credit_note' else 'Facture'} {one.number or 'provisoire'}"


LIST = Listing(
    PATH,
    "Factures",
    Invoice,
    API,
    [
        Column("Facture", _name, lambda one: f"{PATH}/{one.id}"),
        Column("Du", lambda one: day(one.opened_at)),
        Column("Adressée à", lambda one: one.payer_name),
        Column("Montant", lambda one: euros(one.amount_cents)),
        Column("Reste à payer", lambda one: euros(one.due_cents) if one.status in ("to_pay", "reopened") else "–"),
        Column("État", lambda one: STATES.get(one.status, one.status)),
    ],
    [Filter("status", "État", [("", "Toutes"), *STATES.items()])],
    roles=CASHIERS,
    nothing="Aucune facture de vos régies dans cet état.",
)
QUEUE = replace(LIST, path="/agent/factures-a-payer", title="Factures à payer", filters=(), query={"status": "to_pay"})


async def show(visit: Visit) -> Response:
    return invoice_page(visit, await visit.api.get(Invoice, f"{API}/{visit.path('invoice_id')}"), PATH)


ROUTES = [*LIST.routes, *QUEUE.routes, route(f"{PATH}/{{invoice_id}}", show, roles=CASHIERS)]
