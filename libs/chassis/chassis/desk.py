"""The desk log: who of the staff did what, of whom and why. Written with each act, in its transaction; never changed,
but that why is forgotten with whom it was said of (chassis.erasure).

An act is a call of the staff that is no reading and was not refused. Where the request does not name what it is about,
the use case says it: `note(session, dossier_id=...)`.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.caller import Caller
from fastapi import Depends, Request
from sqlalchemy import MetaData, Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import clock
from chassis.identifiers import new_id

#: What is kept, in this order.
COLUMNS = ("id", "at", "account_id", "role", "name", "act", "subject_id", "dossier_id", "reason")
STORE = (
    f"INSERT INTO desk_log ({', '.join(COLUMNS)})"  # noqa: S608 -- names of our own
    f" VALUES ({', '.join(f'${n}' for n in range(1, len(COLUMNS) + 1))})"
)
_STAFF = frozenset({"agent", "cashier", "administrator"})
_YES = frozenset({"true", "1", "on", "yes"})


async def _reading(request: Request) -> None:
    request.state.reading = True


#: `dependencies=[READING]`: a POST that changes nothing.
READING = Depends(_reading)


def note(session: Any, **facts: UUID | str | None) -> None:
    """What the request does not say of the act: `subject_id`, `dossier_id`, `reason`. `session` may be a connection."""
    session.info.setdefault("act", {}).update(facts)


async def act(request: Request, session: Any) -> tuple[Any, ...] | None:
    """What STORE keeps of a request that has succeeded; none where it is no act of the staff's."""
    state = request.state
    caller: Caller | None = getattr(state, "caller", None)
    once = getattr(state, "once", None)
    if caller is None or caller.role not in _STAFF or request.method in ("GET", "HEAD"):
        return None
    if state.reach == "account" or getattr(state, "reading", False) or (once is not None and once.replayed):
        return None
    said: dict[str, Any] = {**request.query_params, **await _body(request), **request.path_params}
    if str(said.get("preview", "")).lower() in _YES:
        return None
    said["subject_id"] = next(filter(None, map(_id, request.path_params.values())), None)
    return done(session, caller, f"{request.method} {request.scope['route'].path}", said)


def done(session: Any, caller: Caller, what: str, said: Mapping[str, Any]) -> tuple[Any, ...]:
    """What STORE keeps of what somebody of the staff had done: it is `said` by the request, and noted since."""
    said = {**said, **session.info.pop("act", {})}
    reason = said.get("override_reason") or said.get("reason")
    return (
        new_id(),
        clock.now(),
        caller.sub,
        caller.role,
        caller.name,
        what,
        said.get("subject_id"),
        _id(said.get("dossier_id")),
        reason if isinstance(reason, str) else None,
    )


async def _body(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return {}
    with suppress(ValueError, RuntimeError):  # the latter: it was read as a stream
        said = json.loads(await request.body() or b"{}")
        if isinstance(said, dict):
            return said
    return {}


def _id(said: object) -> UUID | None:
    with suppress(ValueError):
        return said if isinstance(said, UUID) else UUID(str(said)) if said else None
    return None


@dataclass(frozen=True)
class Asked:
    """Whose acts, of whom, from when until when; none: all."""

    account_id: UUID | None = None
    dossier_id: UUID | None = None
    subject_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def newest(
    session: AsyncSession, metadata: MetaData, asked: Asked, limit: int, after: UUID | None
) -> Sequence[Row[Any]]:
    """So many acts, the newest first, that come after that one; their ids are in the order of time."""
    log = metadata.tables["desk_log"]
    query = select(log).order_by(log.c.id.desc()).limit(limit)
    for name in ("account_id", "dossier_id", "subject_id"):
        if (wanted := getattr(asked, name)) is not None:
            query = query.where(log.c[name] == wanted)
    if asked.since is not None:
        query = query.where(log.c.at >= asked.since)
    if asked.until is not None:
        query = query.where(log.c.at < asked.until)
    if after is not None:
        query = query.where(log.c.id < after)
    return (await session.execute(query)).all()
