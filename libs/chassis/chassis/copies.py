"""Local copies of what other services own, each with the version of the event it came from."""

from typing import Any

from contracts import Event
from sqlalchemy import inspect
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from chassis.inbox import Handler
from chassis.parking import arrived


def keep(copy: type[DeclarativeBase]) -> Handler:
    """A handler that keeps a copy: its key is the event's subject, its other columns the fields of the same names."""
    (key,) = copy.__table__.primary_key
    names = [column.name for column in copy.__table__.columns if column is not key]

    async def kept(session: AsyncSession, event: Event) -> None:
        await keep_copy(session, copy, **{key.name: event.subject}, **{name: getattr(event, name) for name in names})

    return kept


async def keep_copy(session: AsyncSession, copy: type[DeclarativeBase], **values: Any) -> bool:
    """Store the copy (all its columns, `version` among them) unless one as new is there; whether it was stored.

    Repeats and disorder change nothing. The row stays locked until the transaction ends; what was parked until the copy
    arrives goes on after that.
    """
    mapper = inspect(copy)
    keys = [column.name for column in mapper.primary_key]
    stored = insert(copy).values(values)
    newer = stored.on_conflict_do_update(
        index_elements=keys,
        set_={name: stored.excluded[name] for name in values if name not in keys},
        where=mapper.columns["version"] < stored.excluded.version,
    )
    if await session.scalar(newer.returning(mapper.columns["version"])) is None:
        return False
    arrived(session, copy, values[keys[0]])
    return True
