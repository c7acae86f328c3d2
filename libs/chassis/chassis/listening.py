"""How every process listens: uvicorn, whose request heads must end and whose word for a client's address is tied."""

import asyncio
from http import HTTPStatus
from typing import Any, cast

import uvicorn
from fastapi import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chassis.problems import Problem

HEAD_S = 10.0
HEAD_LIMIT = 64_000
_HAS_BODY = {b"content-length", b"transfer-encoding"}


class Unreadable(Problem):
    type = "urn:problem:unreadable"
    status = 400
    title = "Demande illisible"
    detail = "La demande n'est pas écrite comme HTTP le veut."


class HeadTooLarge(Problem):
    type = "urn:problem:head-too-large"
    status = 431
    title = "En-têtes trop volumineux"
    detail = "Les en-têtes de la demande dépassent la taille acceptée : réduisez-les, puis recommencez."


class Protocol(HttpToolsProtocol):
    """One connection. Uvicorn waits for ever for a request's head to end, and takes one of any size: this does not."""

    _late: asyncio.TimerHandle | None = None
    _head_begun = False
    _head_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own narrowing
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_S, self.shutdown)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_has_ended()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._head_begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_begun = False
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise ValueError("another protocol")
        if self.parser.should_upgrade() and _HAS_BODY.intersection(name for name, _ in self.headers):
            raise ValueError("a body that the parser takes for another protocol")
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        nothing_asked = self.cycle is None or self.cycle.response_complete
        if self.transport.is_closing() or not (self._head_begun or nothing_asked):
            self._head_has_ended()
            return
        self._head_size += len(data) if self._head_begun else 0
        if self._head_size > HEAD_LIMIT:
            self._refuse(HeadTooLarge())
        elif self._late is None:
            # Closes at once, or after the answer under way.
            self._late = self.loop.call_later(HEAD_S, self.shutdown)

    def send_400_response(self, msg: str) -> None:
        self._refuse(Unreadable())

    def _unsupported_upgrade_warning(self) -> None:
        self.shutdown()  # after its answer: what follows may be no more HTTP

    def _head_has_ended(self) -> None:
        self._head_size = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, problem: Problem) -> None:
        response = problem.response()
        lines = [b"HTTP/1.1 %d %s" % (response.status_code, HTTPStatus(response.status_code).phrase.encode())]
        lines += [b"%s: %s" % header for header in response.raw_headers] + [b"connection: close", b"", b""]
        self.transport.write(b"\r\n".join(lines) + cast("bytes", response.body))
        self.transport.close()


def configuration(app: Any, *, trusted_proxies: str | None, **more: Any) -> uvicorn.Config:
    """Uvicorn's, for a service or the gateway; `more` are options of its own."""
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies or "",
        **{"timeout_graceful_shutdown": 10} | more,
    )


def client_address(request: Request) -> str:
    """Whose request it is: the address that called or, where that is a trusted proxy's, the one it names."""
    return request.client.host if request.client else ""
