"""PayFiP's web service: opening a payment and asking what became of it, each in a thread of its own pool and without
a transaction.

The SOAP work is eopayment's; what its answers mean is said here.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from eopayment.payfip_ws import PayFiP, PayFiPError, normalize_objet
from zeep.transports import Transport

from billing.payments.rules import PaymentNews
from billing.settings import Settings

log = structlog.get_logger()

T = TypeVar("T")

TIMEOUT_S = 15
#: A PayFiP that hangs may hold all of these, and nobody else's threads.
_THREADS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="payfip")
_clients: dict[str, PayFiP] = {}

_RESULTS = {
    "P": PaymentNews.PAID,
    "V": PaymentNews.DEBITED,
    "R": PaymentNews.REFUSED,
    "Z": PaymentNews.DEBIT_REFUSED,
    "A": PaymentNews.LEFT,
}
_FAULTS = {"P1": PaymentNews.GONE, "P5": PaymentNews.WAITING}


class NotOpened(Exception):
    """PayFiP did not open the payment; `for_email`: because of the payer's address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.for_email = code in ("A1", "A2")


@dataclass(frozen=True)
class Report:
    """What PayFiP says of a payment; `amount_cents` is what was paid, when it was."""

    news: PaymentNews
    amount_cents: int | None = None


@dataclass(frozen=True)
class Order:
    """What a payment is opened with; `exer` is the year, `mel` an address of 6 to 80 characters."""

    numcli: str
    exer: str
    refdet: str
    amount_cents: int
    subject: str
    mel: str
    return_url: str


async def open_payment(settings: Settings, order: Order) -> str:
    """The new payment's idOp. Raises NotOpened."""

    def ask() -> str:
        created = _client(settings.payfip_wsdl_url).get_idop(
            numcli=order.numcli,
            saisie=settings.payfip_saisie,
            exer=order.exer,
            refdet=order.refdet,
            montant=str(order.amount_cents),
            mel=order.mel,
            url_notification=settings.notification_url,
            url_redirect=order.return_url,
            objet=normalize_objet(order.subject),
        )
        return str(created)

    try:
        return await _in_thread(ask)
    except PayFiPError as error:
        log.warning("payfip_did_not_open", refdet=order.refdet, error=repr(error))
        raise NotOpened(error.code) from error


async def report(settings: Settings, idop: str) -> Report:
    """What PayFiP knows of the payment now; its troubles are news as well."""
    try:
        told = await _in_thread(lambda: _client(settings.payfip_wsdl_url).get_info_paiement(idop))
    except PayFiPError as error:
        return _trouble(idop, error)
    return read(told.resultrans, told.montant)


def read(result: str | None, amount: str | None) -> Report:
    """The meaning of `resultrans` and `montant`; a result nobody has described counts as no answer."""
    news = _RESULTS.get(result or "")
    money = news in (PaymentNews.PAID, PaymentNews.DEBITED)
    if news and money and amount is not None and amount.isdecimal():
        return Report(news, int(amount))
    if news is None or money:
        log.error("payfip_answer_not_understood", result=result, amount=amount)
        return Report(PaymentNews.UNREACHABLE)
    return Report(news)


def page(settings: Settings, idop: str) -> str:
    """Where the family pays."""
    return f"{settings.payfip_page_url}?idop={idop}"


def _trouble(idop: str, error: PayFiPError) -> Report:
    if error.code in _FAULTS:
        return Report(_FAULTS[error.code])
    log.warning("payfip_did_not_tell", idop=idop, error=repr(error))
    broken = str(error.message).endswith("TechDysfonctionnementErreur")
    return Report(PaymentNews.BROKEN if broken else PaymentNews.UNREACHABLE)


async def _in_thread(ask: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, ask)


def _client(wsdl_url: str) -> Any:
    """The process's client. Whoever finds none reads the WSDL by themselves: a reading that hangs or fails is theirs
    alone, and the first that succeeds spares the others theirs."""
    if service := _clients.get(wsdl_url):
        return service
    # Both timeouts on the transport: eopayment sets the second per call on a client that threads share.
    make_transport: Any = Transport  # zeep says it is typed, this is not
    transport = make_transport(timeout=TIMEOUT_S, operation_timeout=TIMEOUT_S)
    service = PayFiP(wsdl_url=wsdl_url, zeep_client_kwargs={"transport": transport})
    service.client  # noqa: B018 -- a property: reading it loads the WSDL and builds the SOAP client
    return _clients.setdefault(wsdl_url, service)
