"""To PayFiP and back. The way back is believed in nothing: what is shown is what billing knows."""

from collections.abc import Sequence

from starlette.responses import Response

from web.answers.billing import Payment, PaymentOpened
from web.visits import Visit, route


async def to_payfip(visit: Visit, invoice_ids: Sequence[str]) -> Response:
    """The payment of these invoices that the family should use: the same one in two tabs. Raises Refused."""
    asked = {
        "invoice_ids": list(invoice_ids),
        "return_url": f"{visit.site.settings.origin}/paiements/{{payment_id}}",
    }
    opened = await visit.api.post(PaymentOpened, "/billing/v1/payments", asked, key=visit.once_for("payfip"))
    return visit.go(opened.redirect_url)


async def show_payment(visit: Visit) -> Response:
    payment = await visit.api.get(Payment, f"/billing/v1/payments/{visit.path('payment_id')}")
    return visit.page("payments/payment.html", payment=payment)


ROUTES = [route("/paiements/{payment_id}", show_payment)]
