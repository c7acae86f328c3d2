"""The public API through the gateway, for one browser: its token, its address, its trace."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from time import monotonic
from typing import Any, TypeVar

import aiohttp
import structlog
from chassis import clock
from chassis.logs import traceparent
from pydantic import TypeAdapter
from starlette.datastructures import UploadFile

from web.answers import Page
from web.refusals import Refused, SignedOut, Unavailable
from web.session import Session

log = structlog.get_logger()

T = TypeVar("T")
#: Of a file, in bytes, and how long it may take to be received and looked at.
PIECE = 64_000
HANDING_IN = aiohttp.ClientTimeout(total=180, sock_connect=3)
#: From when to when the gateway was waited for, by the monotonic clock.
Call = tuple[float, float]


class Api:
    """Calls to the gateway. Those of somebody signed in refresh the session when it is about to end, or has."""

    def __init__(self, client: aiohttp.ClientSession, session: Session, address: str, calls: list[Call]) -> None:
        self.client, self.session, self.address, self.calls = client, session, address, calls

    async def get(self, kind: type[T], path: str, /, **query: Any) -> T:
        """The answer as `kind`; what it does not know of the answer is left out. Raises Refused, SignedOut."""
        return _read(kind, await self.call("GET", path, query=query))

    async def all(self, kind: type[T], path: str, /, **query: Any) -> list[T]:
        """Every item of a list that is given page by page. Raises as `get`."""
        found: list[T] = []
        cursor = None
        while True:
            page = await self.get(Page[kind], path, **query, limit=200, cursor=cursor)  # type: ignore[valid-type] # said at run time
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def post(self, kind: type[T], path: str, body: Any, *, key: str | None = None) -> T:
        return _read(kind, await self.call("POST", path, body, key=key))

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        seen: int | str | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The body of the answer; `seen` is the version that is to be changed. Raises Refused, SignedOut."""
        content, _ = await self._asked(method, path, body, key, query, seen)
        return content

    async def versioned(self, kind: type[T], path: str, /, **query: Any) -> tuple[T, str]:
        """As `get`, with the version that a change of it says it has seen."""
        content, etag = await self._asked("GET", path, query=query)
        return _read(kind, content), etag

    async def document(self, path: str, /, **query: Any) -> tuple[bytes, str]:
        """A file as it is, empty where there is none, and its `ETag`."""
        return await self._asked("GET", path, query=query)

    async def _asked(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: str | None = None,
        query: Mapping[str, Any] | None = None,
        seen: int | str | None = None,
    ) -> tuple[bytes, str]:
        await self.fresh()
        try:
            return await self._send(method, path, body, key, query, self.session.access, seen)
        except Refused as refused:
            if refused.status != 401:
                raise
        await self.refresh()
        try:
            return await self._send(method, path, body, key, query, self.session.access, seen)
        except Refused as refused:
            raise (SignedOut if refused.status == 401 else refused) from None

    async def hand_in(self, kind: type[T], path: str, file: UploadFile, /, *, key: str, **query: Any) -> T:
        """The file as it is, piece by piece. Raises as `get`."""
        content, _ = await self._asked("POST", path, file, key=key, query=query)
        return _read(kind, content)

    async def public(self, method: str, path: str, body: Any = None) -> Any:
        """As somebody who is not signed in; the decoded answer, none where it is empty. Raises Refused."""
        answer, _ = await self._send(method, path, body, None, None, None)
        return json.loads(answer) if answer else None

    async def file(self, path: str) -> bytes:
        """What anybody may read who knows where. Raises Refused."""
        content, _ = await self._send("GET", path, None, None, None, None)
        return content

    async def as_it_is(self, path: str) -> bytes:
        """With the token that there is: for what is asked when no cookie can follow any more. Raises Refused."""
        return (await self._send("GET", path, None, None, None, self.session.access))[0]

    async def fresh(self) -> None:
        """Before several calls at once: the session is refreshed once, not by each of them. Raises SignedOut."""
        if not self.session.signed_in:
            raise SignedOut
        if self.session.about_to_end(clock.now()):
            await self.refresh()

    async def refresh(self) -> None:
        """The next tokens. Two tabs at once get the same ones. Raises SignedOut, and leaves the session as it is:
        who comes too late must not take from the browser what another tab was given."""
        try:
            tokens = await self.public("POST", "/identity/v1/sessions/refresh", {"refresh_token": self.session.refresh})
        except Refused as refused:
            if refused.status == 401:
                raise SignedOut from None
            raise
        self.session.take(tokens, clock.now())

    async def _send(
        self,
        method: str,
        path: str,
        body: Any,
        key: str | None,
        query: Mapping[str, Any] | None,
        token: str | None,
        seen: int | str | None = None,
    ) -> tuple[bytes, str]:
        """The body of the answer and its version; empty: it has none."""
        headers = {"X-Forwarded-For": self.address, "Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        headers |= {"If-Match": f'"{seen}"'} if seen is not None else {}
        if trace := traceparent():
            headers["traceparent"] = trace
        params = [
            (name.rstrip("_"), str(one))
            for name, value in (query or {}).items()
            if value is not None
            for one in (value if isinstance(value, list) else [value])
        ]
        sent: dict[str, Any] = {"json": body}
        if isinstance(body, UploadFile):
            headers["Content-Length"] = str(body.size)
            sent = {"data": _pieces(body), "timeout": HANDING_IN}
        began = monotonic()
        try:
            async with self.client.request(method, f"/api{path}", headers=headers, params=params, **sent) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("gateway_not_reached", method=method, error=repr(error))
            raise Unavailable from error
        finally:
            self.calls.append((began, monotonic()))
        if answer.status >= 400:
            raise Refused.of(answer.status, _document(content), answer.headers.get("Retry-After"))
        return content, answer.headers.get("ETag", "").strip('"')


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    await file.seek(0)  # it is sent again after its token was refreshed
    while piece := await file.read(PIECE):
        yield piece


def waited(calls: Iterable[Call]) -> float:
    """Seconds in which the gateway was waited for; calls at the same time count once."""
    total, until = 0.0, 0.0
    for began, ended in sorted(calls):
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


def _read(kind: type[T], answer: bytes) -> T:
    return TypeAdapter(kind).validate_json(answer)


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
