"""One request brought to its service and the answer brought back, as streams."""

from collections.abc import AsyncIterator

import aiohttp
import structlog
from chassis.problems import NotFound, Problem, TooLarge, Unavailable
from multidict import CIMultiDict
from starlette.types import Receive, Scope, Send
from yarl import URL

from gateway.bodies import Allowed

log = structlog.get_logger()

_HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"host", b"expect",
}  # fmt: skip
#: What only a proxy may say: a client's word for it is dropped.
_SPOOFABLE = {b"forwarded", b"x-real-ip"}


class UpstreamTimeout(Problem):
    type = "urn:problem:gateway:timeout"
    status = 504
    title = "Réponse trop longue"
    detail = "Le service n'a pas répondu à temps. Vérifiez si votre demande a été prise en compte avant de la refaire."


class UpstreamBroken(Problem):
    type = "urn:problem:gateway:broken"
    status = 502
    title = "Réponse interrompue"
    detail = "Le service s'est interrompu. Vérifiez si votre demande a été prise en compte avant de la refaire."


class _ClientGoneError(Exception):
    """The caller hung up while its body was read."""


def _forwarded_headers(scope: Scope, address: str) -> CIMultiDict[str]:
    headers = CIMultiDict(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in scope["headers"]
        if name not in _HOP_BY_HOP and name not in _SPOOFABLE and not name.startswith(b"x-forwarded-")
    )
    headers["X-Forwarded-For"] = address
    return headers


async def _body(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    received, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        received += len(message.get("body", b""))
        if received > limit:
            raise TooLarge
        yield message.get("body", b"")
        more = message.get("more_body", False)


def within(upstream: URL, path: str, query: str) -> URL:
    """Where the request goes; raises NotFound where that would not be the upstream's own host and port."""
    url = URL(f"{upstream}{path}?{query}" if query else f"{upstream}{path}", encoded=True)
    if (url.scheme, url.host, url.port, url.user) != (upstream.scheme, upstream.host, upstream.port, upstream.user):
        raise NotFound
    return url


async def forward(
    client: aiohttp.ClientSession,
    upstream: URL,
    path: str,
    address: str,
    may: Allowed,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Bring the request to `path` (still percent-encoded) of its service and stream the answer back.

    Raises Unavailable when the service was not reached (nothing happened there), UpstreamBroken or UpstreamTimeout when
    it may have been; once the answer has begun, a break only cuts it short. Raises TooLarge for a body of more than it
    may have: at once, where its length is said.
    """
    said = dict(scope["headers"])
    has_body = b"content-length" in said or b"transfer-encoding" in said
    if int(said.get(b"content-length") or 0) > may.size:
        raise TooLarge
    url = within(upstream, path, scope["query_string"].decode("latin-1"))
    started = False
    try:
        async with client.request(
            scope["method"],
            url,
            headers=_forwarded_headers(scope, address),
            data=_body(receive, may.size) if has_body else None,
            timeout=may.timeout,
            allow_redirects=False,
        ) as answer:
            headers = [(n.lower(), v) for n, v in answer.raw_headers if n.lower() not in _HOP_BY_HOP]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            started = True
            async for chunk in answer.content.iter_any():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
    except _ClientGoneError:
        return
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("upstream_failed", method=scope["method"], upstream=str(upstream), error=repr(error))
        if started:
            raise
        if isinstance(error.__cause__ or error.__context__, TooLarge):
            raise TooLarge from error
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            raise Unavailable(retry_after_s=2) from error
        raise (UpstreamTimeout if isinstance(error, TimeoutError) else UpstreamBroken)() from error
