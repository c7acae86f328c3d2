"""What a test may ask of the PayFiP stand-in: an outcome, a failure."""

import json
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from .payments import RESULTS, WORDS
from .soap import FAULTS, OPERATIONS, SoapError

FAILURES = (*FAULTS, "http_500", "timeout", "malformed")
#: The reading of the contract can be made to fail like an operation.
WSDL = "wsdl"
Wanted = TypeVar("Wanted")


def _is_whole(value: object, at_least: int) -> bool:
    return type(value) is int and value >= at_least


@dataclass(frozen=True)
class Decision:
    """The outcome of a payment: `notify` urlnotif, `repeat` times at once, `delay_s` real seconds later;
    `amount_cents` is the amount that PayFiP will report instead of the one asked for."""

    result: str
    notify: bool = True
    repeat: int = 1
    delay_s: float = 0
    amount_cents: int | None = None

    def __post_init__(self) -> None:
        if self.result not in RESULTS:
            raise ValueError(f"result is one of {', '.join(RESULTS)}")
        if type(self.notify) is not bool:
            raise ValueError("notify is a boolean")
        if not _is_whole(self.repeat, 1):
            raise ValueError("repeat is a whole number from 1")
        if type(self.delay_s) not in (int, float) or not 0 <= self.delay_s < float("inf"):
            raise ValueError("delay_s is a number of seconds")
        if self.amount_cents is not None and not _is_whole(self.amount_cents, 0):
            raise ValueError("amount_cents is a whole number, or null")


@dataclass
class Failure:
    """How an operation is to fail, and how many times more (None: until it is cleared)."""

    operation: str
    fault: str
    code: str = ""
    times: int | None = None

    def __post_init__(self) -> None:
        if self.operation not in (WSDL, *OPERATIONS):
            raise ValueError(f"operation is one of {', '.join((WSDL, *OPERATIONS))}")
        if self.fault not in FAILURES:
            raise ValueError(f"fault is one of {', '.join(FAILURES)}")
        if not isinstance(self.code, str) or (self.fault == "FonctionnelleErreur" and not self.code):
            raise ValueError("code is a text, which FonctionnelleErreur cannot do without")
        if self.times is not None and not _is_whole(self.times, 1):
            raise ValueError("times is a whole number from 1, or null")

    def as_soap(self) -> SoapError:
        """The SOAP fault; a malfunction says 999 when no code was given."""
        code = self.code or ("999" if self.fault == "TechDysfonctionnementErreur" else "")
        return SoapError(self.fault, code, WORDS.get(code, "Erreur."))


async def wanted(request: web.Request, kind: type[Wanted]) -> Wanted:
    """The JSON body as `kind`. Raises 422 with what is wrong as `detail`."""
    try:
        return kind(**await request.json())
    except (TypeError, ValueError) as error:
        problem = {"title": "Unprocessable Content", "status": 422, "detail": str(error)}
        raise web.HTTPUnprocessableEntity(text=json.dumps(problem), content_type="application/problem+json") from error
