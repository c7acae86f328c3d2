"""Local copies of what other services own, each with the version of the event it came from."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from uuid import UUID

from contracts import Event
from pydantic_core import to_json
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from chassis.database import fetch
from chassis.inbox import AtOnce
from chassis.parking import arrived


@dataclass(frozen=True)
class Keep(AtOnce):
    """A handler that keeps a copy: of each event that `row` in the table `copy`."""

    copy: type[DeclarativeBase]
    row: Callable[[Any], dict[str, Any]]

    def then(self, more: Callable[[AsyncSession, Sequence[Any]], Awaitable[None]]) -> "Keep":
        """The same, after which `more(session, events)` does what follows from them."""

        async def both(session: AsyncSession, events: Sequence[Any]) -> None:
            await self.handler(session, events)
            await more(session, events)

        return Keep(both, self.copy, self.row)


def keep(copy: type[DeclarativeBase], **facts: Callable[[Any], Any]) -> Keep:
    """A handler that keeps a copy of many events at once: its key is the event's subject.

    Its other columns are the event's fields of the same names, or what `facts` makes of the event for them.
    """
    key, *names = _columns(copy)

    def row(event: Event) -> dict[str, Any]:
        return {key: event.subject} | {
            name: facts[name](event) if name in facts else getattr(event, name) for name in names
        }

    async def kept(session: AsyncSession, events: Sequence[Event]) -> None:
        await keep_copies(session, copy, [row(event) for event in events])

    return Keep(kept, copy, row)


async def keep_copy(session: AsyncSession, copy: type[DeclarativeBase], **values: Any) -> bool:
    """The same for one row (all its columns, `version` among them); whether it was stored."""
    return bool(await keep_copies(session, copy, [values]))


async def keep_copies(
    session: AsyncSession, copy: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]]
) -> set[UUID]:
    """Store each row unless one as new is there; the keys of those stored.

    Repeats and disorder change nothing. The rows stay locked until the transaction ends; what was parked until a copy
    arrives goes on after that.
    """
    key = _columns(copy)[0]
    newest: dict[UUID, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row[key], row["version"])):  # the order in which they are locked
        newest[row[key]] = row
    stored = {key for (key,) in await fetch(session, _keeping(copy), to_json(list(newest.values())).decode())}
    for one in stored:
        arrived(session, copy, one)
    return stored


@cache
def _columns(copy: type[DeclarativeBase]) -> tuple[str, ...]:
    """The table's key, which is one column, then its others."""
    (key,) = copy.__table__.primary_key
    return (key.name, *(column.name for column in copy.__table__.columns if column is not key))


@cache
def _keeping(copy: type[DeclarativeBase]) -> str:
    """One statement for any number of rows, given as a JSON array of objects: the table says their types."""
    table, (key, *names) = cast(Table, copy.__table__).name, _columns(copy)
    columns = ", ".join((key, *names))
    newer = ", ".join(f"{name} = excluded.{name}" for name in names)
    return (
        f"INSERT INTO {table} AS old ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1)"  # noqa: S608 -- names of our own models
        f" ON CONFLICT ({key}) DO UPDATE SET {newer} WHERE old.version < excluded.version RETURNING {key}"
    )
