"""Idempotency keys: the same request twice is one effect, and its answer is replayed."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from contracts.caller import Caller
from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import clock
from chassis.database import fetch
from chassis.problems import Problem


class KeyMissing(Problem):
    type = "urn:problem:idempotency-key-missing"
    status = 400
    title = "Clé d'idempotence absente"
    detail = "Cette demande doit porter un en-tête Idempotency-Key (1 à 200 caractères), le même à chaque nouvel essai."


class KeyReused(Problem):
    type = "urn:problem:idempotency-key-reused"
    status = 422
    title = "Clé d'idempotence déjà utilisée"
    detail = "Cette clé a déjà servi pour une autre demande : utilisez une clé nouvelle."


class TwinRunning(Problem):
    type = "urn:problem:idempotency-twin-running"
    status = 409
    title = "Demande en cours"
    detail = "La même demande est en cours de traitement : attendez un instant, puis réessayez."


_KEEP = """
    INSERT INTO idempotency (account_id, key, digest, status, answer, answered_at)
    SELECT {0}::uuid, {1}::text, {2}::bytea, {3}::integer, {4}::bytea, {5}::timestamptz WHERE {condition}
    ON CONFLICT DO NOTHING RETURNING true
"""
_LOOK = """
    SELECT pg_try_advisory_xact_lock(hashtextextended($1::uuid::text || ' ' || $2, 0)) AS alone, digest, status, answer
    FROM (SELECT) AS here LEFT JOIN idempotency ON account_id = $1 AND key = $2
"""


def keeping(condition: str = "true", first: int = 1) -> str:
    """The statement that stores `Once.row` ($1 to $6, or the six from another number on), also within another one;
    where the condition is false the row is not stored, nor where a twin's is there (then give up: `TwinRunning`): it
    answers nothing.
    """
    return _KEEP.format(*(f"${first + n}" for n in range(6)), condition=condition)


class Once:
    """One (account, key) and the digest of the request that came with it."""

    def __init__(self, account_id: UUID, key: str, digest: bytes) -> None:
        self.account_id, self.key, self.digest = account_id, key, digest
        #: Whether its answer was given before: then nothing has happened now.
        self.replayed = False

    async def stored(self, session: AsyncSession | asyncpg.Connection) -> Response | None:
        """The answer already given, or none: then this transaction alone holds the key until it ends.

        One statement looks and locks: a twin that ends between the two is not seen, but found by `answer` and `keep`.
        Raises TwinRunning, KeyReused.
        """
        ((alone, digest, status, answer),) = await fetch(session, _LOOK, self.account_id, self.key)
        if not alone:
            raise TwinRunning(retry_after_s=1)
        if digest is None:
            return None
        if digest != self.digest:
            raise KeyReused
        self.replayed = True
        return Response(answer, status, media_type="application/json")

    def response(self, status: int, answer: BaseModel) -> Response:
        return Response(answer.model_dump_json().encode(), status, media_type="application/json")

    def row(self, response: Response) -> tuple[Any, ...]:
        """What is stored of it: what `keeping()` takes."""
        return self.account_id, self.key, self.digest, response.status_code, response.body, clock.now()

    async def keep(self, session: AsyncSession | asyncpg.Connection, status: int, answer: BaseModel) -> Response:
        """Store the answer in the transaction of its effect, and give it. Raises TwinRunning."""
        response = self.response(status, answer)
        if not await fetch(session, keeping(), *self.row(response)):
            raise TwinRunning(retry_after_s=1)
        return response

    async def answer(
        self, session: AsyncSession, status: int, use_case: Callable[[], Awaitable[BaseModel]]
    ) -> Response:
        """The stored answer, or that of the use case, stored with its effect."""

        async def kept() -> Response:
            return await self.keep(session, status, await use_case())

        return await self.replay_or(session, kept)

    async def replay_or(
        self, session: AsyncSession | asyncpg.Connection, work: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The stored answer, or that of `work`, which stores it with its effect."""
        if replay := await self.stored(session):
            return replay
        try:
            return await work()
        except TwinRunning:
            raise
        except Problem as refused:
            # Perhaps because of what a twin has just done, and answered: then that is the answer to both.
            try:
                replay = await self.stored(session)
            except (asyncpg.InFailedSQLTransactionError, InvalidRequestError):  # refused by the database itself
                raise refused from None
            if replay is None:
                raise
            return replay


#: What makes the `Once` of a body that is read as a stream, from the body's own digest.
OfStream = Callable[[bytes], Once]


async def once_streamed(request: Request, idempotency_key: Annotated[str | None, Header()] = None) -> OfStream:
    if not idempotency_key or len(idempotency_key) > 200:
        raise KeyMissing
    caller: Caller = request.state.caller
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode()

    def of(body: bytes) -> Once:
        request.state.once = asked_once = Once(caller.sub, idempotency_key, hashlib.sha256(asked + body).digest())
        return asked_once

    return of


async def once(request: Request, of: Annotated[OfStream, Depends(once_streamed)]) -> Once:
    return of(await request.body())


#: For an endpoint marked K: declared after its policy (which says whose key it is).
OnceOnly = Annotated[Once, Depends(once)]
#: The same where the body is too large to be held.
OnceStreamed = Annotated[OfStream, Depends(once_streamed)]
