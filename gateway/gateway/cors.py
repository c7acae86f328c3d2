"""Which other frontends' pages may call from a browser: those whose origins the town declares, and never by cookies.

https://fetch.spec.whatwg.org/#http-cors-protocol. A page of any other origin is answered without a word of this, and
its browser keeps the answer from it.
"""

import re
from typing import Annotated

from pydantic import AfterValidator
from starlette.responses import Response
from starlette.types import Scope

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9.-]+(:\d+)?|[a-z][a-z0-9+.-]*://\[[0-9a-f:]+\](:\d+)?")
_DEFAULT_PORT = re.compile(r"http://.*:80|https://.*:443")

#: A browser asks again after so long; none keeps an answer for longer.
_KEPT_S = 7200
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-Match, traceparent",
    "Access-Control-Max-Age": str(_KEPT_S),
}
#: What a page may read of an answer beside its body.
_EXPOSED = b"ETag, Retry-After, X-Request-Id"


def _origins(said: str) -> str:
    for origin in split(said):
        if not _ORIGIN.fullmatch(origin) or _DEFAULT_PORT.fullmatch(origin):
            raise ValueError("an origin is written as browsers send it: https://app.example.org, or with its own port")
    return said


def split(said: str) -> list[str]:
    return [one.strip() for one in said.split(",")] if said else []


#: Exact origins, comma-separated: `https://app.example.org,capacitor://localhost`.
Origins = Annotated[str, AfterValidator(_origins)]


class Cors:
    """Without any origin declared, nothing is said at all."""

    def __init__(self, origins: str) -> None:
        self.origins = {origin.encode() for origin in split(origins)}

    def preflight(self, scope: Scope) -> Response | None:
        """The answer to a declared origin's question whether it may call; none of what is no such question."""
        asks = scope["method"] == "OPTIONS" and any(n == b"access-control-request-method" for n, _ in scope["headers"])
        return Response(status_code=204, headers=_PREFLIGHT) if asks and self._declared(scope) else None

    def headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """What is said with every answer; `Vary`, so that no cache gives one origin's answer to another."""
        if not self.origins:
            return []
        origin = self._declared(scope)
        allowed = [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", _EXPOSED)]
        return [(b"vary", b"Origin"), *(allowed if origin else [])]

    def _declared(self, scope: Scope) -> bytes:
        """The request's origin where it is declared, empty where it is not or where it says several."""
        said = [value for name, value in scope["headers"] if name == b"origin"]
        return said[0] if len(said) == 1 and said[0] in self.origins else b""
