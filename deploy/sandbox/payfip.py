"""PayFiP over HTTP: the web service, the payment page, and what a test may do to them under /sandbox."""

import asyncio
import logging
from collections.abc import AsyncIterator
from html import escape

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from chassis import clock
from french.wording import euros
from yarl import URL

from . import soap
from .control import WSDL, Decision, Failure, wanted
from .pages import page
from .payments import Payment, check_formats, describe_client, refused

logger = logging.getLogger(__name__)

BUTTONS = {"P": "Payer", "R": "Refuser", "A": "Abandonner"}


class PayFiP:
    """The payments created since the start, the failures asked for and the notifications on their way."""

    client: ClientSession

    def __init__(self) -> None:
        self.payments: dict[str, Payment] = {}
        self.failures: list[Failure] = []
        self.cleared = asyncio.Event()
        self.notifications: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """The routes of PayFiP and of its remote control."""
        application = web.Application()
        application.cleanup_ctx.append(self.connections)
        application.add_routes(
            [
                web.get("/tpa/services/securite", self.contract),
                web.post("/tpa/services/securite", self.call),
                web.get("/tpa/paiementws.web", self.show_page),
                web.post("/tpa/paiementws.web", self.end_on_page),
                web.get("/sandbox/payments", self.list_payments),
                web.post("/sandbox/payments/{idop}", self.decide),
                web.post("/sandbox/faults", self.fail),
                web.delete("/sandbox/faults", self.clear),
            ]
        )
        return application

    async def connections(self, _application: web.Application) -> AsyncIterator[None]:
        """The client that notifies, from start to stop; what is not sent by then is lost."""
        async with ClientSession(timeout=ClientTimeout(total=15)) as self.client:
            yield
            for notification in self.notifications:
                notification.cancel()
            await asyncio.gather(*self.notifications, return_exceptions=True)

    def find(self, idop: str) -> Payment | None:
        """The payment, unless it was never created or is deleted by now."""
        payment = self.payments.get(idop)
        return None if payment is None or payment.is_deleted(clock.now()) else payment

    # the web service

    async def contract(self, request: web.Request) -> web.Response:
        """The WSDL, with the address at which it was asked for."""
        if "wsdl" not in request.query:
            raise web.HTTPNotFound
        if failure := self.next_failure(WSDL):
            if broken := await self.broken(failure):
                return broken
            if failure.fault in soap.FAULTS:
                raise web.HTTPServiceUnavailable
        return web.Response(text=soap.wsdl(f"http://{request.host}{request.path}"), content_type="text/xml")

    async def call(self, request: web.Request) -> web.Response:
        """Answer one SOAP call, or fail as a test has asked."""
        try:
            operation, fields = soap.read_call(await request.read())
            if asked := self.payments.get(fields.get("idOp", "")):
                asked.asked += 1
            if failure := self.next_failure(operation):
                if broken := await self.broken(failure):
                    return broken
                if failure.fault in soap.FAULTS:
                    raise failure.as_soap()
            text, status = soap.answer(operation, self.answer(operation, fields)), 200
        except soap.SoapError as fault:
            text, status = soap.refusal(fault), 500
        return web.Response(text=text, status=status, content_type="text/xml")

    async def broken(self, failure: Failure) -> web.Response | None:
        """What such a failure answers, where it is no SOAP fault; none: what had been asked, once the wait is over."""
        match failure.fault:
            case "http_500":
                return web.Response(status=500, text="<h1>Internal Server Error</h1>", content_type="text/html")
            case "malformed":
                return web.Response(text="<S:Envelope><S:Body>", content_type="text/xml")
            case "timeout":
                await self.cleared.wait()
        return None

    def answer(self, operation: str, fields: dict[str, str]) -> dict[str, str]:
        """The fields of the answer. Raises SoapError."""
        if operation == "creerPaiementSecurise":
            check_formats(fields)
            payment = Payment(fields, clock.now())
            self.payments[payment.idop] = payment
            return {"idOp": payment.idop}
        if operation == "recupererDetailClient":
            return describe_client(fields.get("numCli", ""))
        if found := self.find(fields.get("idOp", "")):
            return found.detail()
        raise refused("P1")

    def next_failure(self, operation: str) -> Failure | None:
        """The first failure asked for this operation, counted down."""
        failure = next((failure for failure in self.failures if failure.operation == operation), None)
        if failure and failure.times is not None:
            failure.times -= 1
            if not failure.times:
                self.failures.remove(failure)
        return failure

    # the payment page

    def endable(self, request: web.Request) -> Payment:
        """The payment of `?idop=`, if it may still end. Raises the page that says why not."""
        payment = self.find(request.query.get("idop", ""))
        if payment is None:
            raise web.HTTPNotFound(
                text=shut("P1", "Ce paiement est inconnu ou a été supprimé."), content_type="text/html"
            )
        if payment.is_used():
            raise web.HTTPGone(text=shut("P3", "Ce paiement est déjà terminé."), content_type="text/html")
        return payment

    async def show_page(self, request: web.Request) -> web.Response:
        """The page on which a family pays, for fifteen minutes."""
        payment = self.endable(request)
        if not payment.opens_page(clock.now()):
            sentence = "Le délai de 15 minutes pour ouvrir cette page est dépassé."
            raise web.HTTPGone(text=shut("P4", sentence), content_type="text/html")
        asked = payment.request
        buttons = "".join(
            f'<button name="result" value="{result}">{label}</button>' for result, label in BUTTONS.items()
        )
        content = (
            "<p>Page de démonstration : aucun argent n'est prélevé.</p>"
            f"<dl><dt>Montant</dt><dd>{euros(int(asked['montant']))}</dd>"
            f"<dt>Objet</dt><dd>{escape(asked.get('objet') or 'Non précisé')}</dd>"
            f"<dt>Référence</dt><dd>{escape(asked['refdet'])}</dd></dl>"
            f'<form method="post" action="?idop={payment.idop}">{buttons}</form>'
        )
        return web.Response(text=page("Paiement en ligne", content), content_type="text/html")

    async def end_on_page(self, request: web.Request) -> web.Response:
        """Take the family's choice, notify, and send the browser back. It may come after the fifteen minutes."""
        payment = self.endable(request)
        result = str((await request.post()).get("result"))
        if result not in BUTTONS:
            raise web.HTTPBadRequest
        payment.decide(result, clock.now())
        self.notify(payment)
        raise web.HTTPSeeOther(URL(payment.request["urlredirect"]).update_query(idop=payment.idop))

    def notify(self, payment: Payment, repeat: int = 1, delay_s: float = 0) -> None:
        """Tell urlnotif `repeat` times at once, in the background; like PayFiP, never try again."""

        async def post() -> None:
            try:
                async with self.client.post(payment.request["urlnotif"], data={"idOp": payment.idop}) as response:
                    await response.read()
            except (ClientError, TimeoutError) as error:
                logger.warning("notification of %s lost: %s", payment.idop, error)

        async def post_all() -> None:
            await asyncio.sleep(delay_s)
            await asyncio.gather(*(post() for _ in range(repeat)))

        task = asyncio.create_task(post_all())
        self.notifications.add(task)
        task.add_done_callback(self.notifications.discard)

    # the remote control

    async def list_payments(self, _request: web.Request) -> web.Response:
        """Every payment created, oldest first, deleted ones too."""
        return web.json_response([payment.as_json() for payment in self.payments.values()])

    async def decide(self, request: web.Request) -> web.Response:
        """Give a payment the outcome that a test wants."""
        decision = await wanted(request, Decision)
        payment = self.find(request.match_info["idop"])
        if payment is None:
            raise web.HTTPNotFound
        payment.decide(decision.result, clock.now(), decision.amount_cents)
        if decision.notify:
            self.notify(payment, decision.repeat, decision.delay_s)
        return web.json_response(payment.as_json())

    async def fail(self, request: web.Request) -> web.Response:
        """Make an operation fail from now on; failures of one operation come in the order they were asked for."""
        self.failures.append(await wanted(request, Failure))
        return web.Response(status=204)

    async def clear(self, _request: web.Request) -> web.Response:
        """End every failure; calls that are held back are answered now."""
        self.failures.clear()
        self.cleared.set()
        self.cleared = asyncio.Event()
        return web.Response(status=204)


def shut(code: str, sentence: str) -> str:
    """The page of a payment that cannot be made."""
    return page("Paiement impossible", f"<p>{sentence} Revenez à votre espace pour continuer (code {code}).</p>")
