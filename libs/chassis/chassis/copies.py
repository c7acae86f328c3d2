"""Local copies of what other services own, each with the version of the event it came from."""

from functools import cache
from typing import Any, cast

from contracts import Event
from sqlalchemy import Executable, Table, bindparam
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from chassis.inbox import Handler, Together
from chassis.parking import arrived


def keep(copy: type[DeclarativeBase]) -> Handler:
    """A handler that keeps a copy: its key is the event's subject, its other columns the fields of the same names."""
    (key,) = copy.__table__.primary_key
    names = [column.name for column in copy.__table__.columns if column is not key]

    @Together
    async def kept(session: AsyncSession, event: Event) -> None:
        await keep_copy(session, copy, **{key.name: event.subject}, **{name: getattr(event, name) for name in names})

    return kept


async def keep_copy(session: AsyncSession, copy: type[DeclarativeBase], **values: Any) -> bool:
    """Store the copy (all its columns, `version` among them) unless one as new is there; whether it was stored.

    Repeats and disorder change nothing. The row stays locked until the transaction ends; what was parked until the copy
    arrives goes on after that.
    """
    keys, statement = _keeping(copy, tuple(values))
    if (await session.execute(statement, values)).first() is None:
        return False
    arrived(session, copy, values[keys[0]])
    return True


@cache
def _keeping(copy: type[DeclarativeBase], names: tuple[str, ...]) -> tuple[list[str], Executable]:
    """The table's key, and the statement, made once: making it takes longer than running it."""
    table = cast(Table, copy.__table__)
    keys = [column.name for column in table.primary_key]
    stored = insert(table).values({name: bindparam(name, type_=table.columns[name].type) for name in names})
    newer = stored.on_conflict_do_update(
        index_elements=keys,
        set_={name: stored.excluded[name] for name in names if name not in keys},
        where=table.columns["version"] < stored.excluded.version,
    )
    return keys, newer.returning(table.columns["version"])
