"""Idempotency keys: the same request twice is one effect, and its answer is replayed."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from contracts.caller import Caller
from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import text
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


class Once:
    """One (account, key) and the digest of the request that came with it."""

    def __init__(self, account_id: UUID, key: str, digest: bytes) -> None:
        self.account_id, self.key, self.digest = account_id, key, digest

    async def stored(self, session: AsyncSession) -> Response | None:
        """The answer already given, or none: then this transaction alone holds the key until it ends.

        Raises TwinRunning, KeyReused.
        """
        if not await session.scalar(
            text("SELECT pg_try_advisory_xact_lock(hashtextextended(:lock, 0))"),
            {"lock": f"{self.account_id} {self.key}"},
        ):
            raise TwinRunning(retry_after_s=1)
        rows = await fetch(
            session,
            "SELECT digest, status, answer FROM idempotency WHERE account_id = $1 AND key = $2",
            self.account_id,
            self.key,
        )
        if not rows:
            return None
        digest, status, answer = rows[0]
        if digest != self.digest:
            raise KeyReused
        return Response(answer, status, media_type="application/json")

    async def keep(self, session: AsyncSession, status: int, answer: BaseModel) -> Response:
        """Store the answer in the transaction of its effect, and give it."""
        body = answer.model_dump_json().encode()
        await fetch(
            session,
            "INSERT INTO idempotency (account_id, key, digest, status, answer, answered_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            self.account_id,
            self.key,
            self.digest,
            status,
            body,
            clock.now(),
        )
        return Response(body, status, media_type="application/json")

    async def answer(
        self, session: AsyncSession, status: int, use_case: Callable[[], Awaitable[BaseModel]]
    ) -> Response:
        """The stored answer, or that of the use case, stored with its effect."""
        return await self.stored(session) or await self.keep(session, status, await use_case())


async def once(request: Request, idempotency_key: Annotated[str | None, Header()] = None) -> Once:
    if not idempotency_key or len(idempotency_key) > 200:
        raise KeyMissing
    caller: Caller = request.state.caller
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    return Once(caller.sub, idempotency_key, hashlib.sha256(asked).digest())


#: For an endpoint marked K: declared after its policy (which says whose key it is).
OnceOnly = Annotated[Once, Depends(once)]
