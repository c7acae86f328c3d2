"""PostgreSQL: the engine of a process, its sessions, naming of constraints, and the plumbing's own tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from math import inf
from time import monotonic
from typing import Annotated, Any, cast
from uuid import UUID

import asyncpg
from fastapi import Depends, Request
from pydantic_core import to_json
from sqlalchemy import DateTime, FromClause, Table, Text, Uuid, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.pool import ConnectionPoolEntry

from chassis import desk

#: For a declarative base: datetimes are always aware, strings are `text`.
TYPES = {datetime: DateTime(timezone=True), str: Text(), UUID: Uuid()}

#: No statement, lock or transaction is waited for without end, whoever holds it up.
STATEMENT_S = 15
LOCK_S = 5
IDLE_IN_TRANSACTION_S = 60
CONNECT_TIMEOUT_S = 5.0
#: Those who all come at once are served in their turn: nearly as long as the gateway waits for an answer.
POOL_TIMEOUT_S = 45
#: What a rush left open ends after so long: a connection costs the server 6 MB. The server ends it twice as late.
IDLE_S = 8.0
LOOK_EVERY_S = 1.0
#: How much longer than a statement may take the driver waits for a server that says nothing any more.
SILENCE_S = 5


def _limits(statement_s: int) -> dict[str, Any]:
    """What every connection is opened with."""
    return {
        "timeout": CONNECT_TIMEOUT_S,
        "command_timeout": statement_s + SILENCE_S,
        "server_settings": {
            "statement_timeout": f"{statement_s}s",
            "lock_timeout": f"{LOCK_S}s",
            "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S}s",
        },
    }


async def connect(url: str) -> asyncpg.Connection:
    """A connection of the driver's own, outside any pool."""
    return await asyncpg.connect(url, **_limits(STATEMENT_S))


class _Bare(asyncpg.Connection):  # type: ignore[misc] # the driver has no types
    """Given back as it is: nothing is set on it beyond a transaction, and undoing nothing would cost a round trip.

    `info` is the transaction's, as a session has one.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.info: dict[str, Any] = {}

    def get_reset_query(self) -> str:
        return ""


class Database:
    """One process's access to its service's database. `url` is a libpq URL: `postgresql://user:password@host/name`.

    Twenty connections at most for sessions, ten of them kept, and ten of the driver's own: more at once is not faster.
    A request waits for its turn, which is better than an error when everybody comes at the opening.
    """

    def __init__(self, url: str, *, statement_s: int = STATEMENT_S) -> None:
        self.url = url
        self._bare_limits, limits = _limits(statement_s), _limits(statement_s)
        limits["server_settings"]["idle_session_timeout"] = f"{2_000 * IDLE_S:.0f}ms"
        self.engine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            connect_args=limits,
            hide_parameters=True,
            pool_size=10,
            max_overflow=10,
            pool_timeout=POOL_TIMEOUT_S,
            pool_use_lifo=True,
        )
        event.listen(self.engine.sync_engine, "checkin", _given_back)
        event.listen(self.engine.sync_engine, "checkout", _taken)
        self._bare: asyncpg.Pool | None = None
        # A plan is made once a connection, since each time it would cost a third of a hold; perhaps while a table is
        # empty: it must not read through it for ever.
        self._bare_limits["server_settings"] |= {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
        self._published = asyncio.Event()
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(
            self.engine, expire_on_commit=False, info={"published": self._published}
        )

    async def ping(self) -> None:
        """Return when PostgreSQL answers, however many wait for a connection of the pool."""
        async with asyncio.timeout(5):
            connection = await connect(self.url)
            try:
                await connection.execute("SELECT 1")
            finally:
                await connection.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """One transaction on a connection of the driver's own, from a pool that is made when first needed."""
        if self._bare is None:
            self._bare = asyncpg.create_pool(
                self.url,
                min_size=0,
                max_size=10,
                max_inactive_connection_lifetime=IDLE_S,
                connection_class=_Bare,
                **self._bare_limits,
            )
        async with asyncio.timeout(POOL_TIMEOUT_S):
            connection = await (await self._bare).acquire()
        try:
            connection.info.clear()
            async with connection.transaction():
                yield connection
            if connection.info.get("has_published"):
                self._published.set()
        finally:
            await self._bare.release(connection)

    async def announce(self, look: Callable[[asyncpg.Connection], Awaitable[None]] | None = None) -> None:
        """Until its connection ends: one NOTIFY for any number of commits that published, on a connection of its own,
        by which also `look` is called, first and once a second: however many wait for one of the pools.

        Inside the transaction it would serialise commits. A lost one costs nothing but time: the relay also polls.
        """
        connection, now = await connect(self.url), asyncio.get_running_loop().time
        due = now() if look else None
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._published.wait()
                if self._published.is_set():
                    self._published.clear()
                    await connection.execute("NOTIFY outbox")
                if look and due and due <= now():
                    await look(connection)
                    due = now() + LOOK_EVERY_S
        finally:
            connection.terminate()

    async def close(self) -> None:
        await self.engine.dispose()
        if self._bare is not None:
            self._bare.terminate()


def _given_back(_: object, record: ConnectionPoolEntry) -> None:
    record.info["since"] = monotonic()


def _taken(_: object, record: ConnectionPoolEntry, __: object) -> None:
    """Raises what makes the pool open another one, well before the server may have ended this one."""
    if monotonic() - record.info.get("since", inf) > IDLE_S:
        raise DisconnectionError


@event.listens_for(SyncSession, "after_commit")
def _announce_published(session: SyncSession) -> None:
    if session.info.pop("has_published", False):
        session.info["published"].set()


async def fetch(session: AsyncSession | asyncpg.Connection, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    """The rows of a statement ($1, $2...) run past SQLAlchemy, on the session's own connection and in its transaction;
    or on the driver's connection itself.

    For hot paths: it spares half a millisecond a statement. Errors are the driver's own.
    """
    driver = await _driver(session) if isinstance(session, AsyncSession) else session
    return list(await driver.fetch(statement, *arguments))


async def copy(
    session: AsyncSession | asyncpg.Connection, table: FromClause, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Store new rows, each by its columns' names, by COPY: many times faster than any INSERT."""
    columns = table.columns.keys()
    types = [getattr(column.type, "impl", column.type) for column in table.columns]  # a decorated one: the plain
    as_json = [at for at, kind in enumerate(types) if isinstance(kind, JSONB)]
    records: Iterable[Sequence[Any]] = (tuple(map(row.get, columns)) for row in rows)
    if as_json:
        records = (_with_json(record, as_json) for record in records)
    driver = await _driver(session) if isinstance(session, AsyncSession) else session
    await driver.copy_records_to_table(cast(Table, table).name, columns=columns, records=records)


def _with_json(record: Sequence[Any], places: Iterable[int]) -> list[Any]:
    """With what stands in these places as JSON, which the driver takes as text."""
    values = list(record)
    for at in places:
        if values[at] is not None:
            values[at] = to_json(values[at]).decode()
    return values


async def _driver(session: AsyncSession) -> asyncpg.Connection:
    connection = await (await session.connection()).get_raw_connection()
    driver: asyncpg.Connection = connection.driver_connection
    if not driver.is_in_transaction():  # SQLAlchemy's driver layer begins only with its own first statement
        await session.execute(text("SELECT 1"))
    return driver


async def session(request: Request) -> AsyncIterator[AsyncSession]:
    """The request's session: one transaction, committed before the answer leaves, with what the desk log says of it."""
    database: Database = request.app.state.database
    async with database.sessions.begin() as open_session:
        yield open_session
        if row := await desk.act(request, open_session):
            await fetch(open_session, desk.STORE, *row)


async def driver(request: Request) -> AsyncIterator[asyncpg.Connection]:
    """The same for a hot path: one transaction on the driver's own connection, committed before the answer leaves."""
    database: Database = request.app.state.database
    async with database.transaction() as connection:
        yield connection
        if row := await desk.act(request, connection):
            await fetch(connection, desk.STORE, *row)


#: The one way an endpoint gets a session; the scope makes a failing commit the caller's to see.
Session = Annotated[AsyncSession, Depends(session, scope="function")]
#: What a hot path takes instead, declared last: it begins at once, and what is refused before needs no connection.
Driver = Annotated[asyncpg.Connection, Depends(driver, scope="function")]
