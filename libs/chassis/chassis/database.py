"""PostgreSQL: the engine of a process, its sessions, naming of constraints, and the plumbing's own tables."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import structlog
from fastapi import Depends, Request
from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text, Uuid, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session as SyncSession

log = structlog.get_logger()

#: For a declarative base: datetimes are always aware, strings are `text`.
TYPES = {datetime: DateTime(timezone=True), str: Text(), UUID: Uuid()}

#: What PostgreSQL says when it is not there, going away, or full: try again later, nothing is wrong with the work.
_TROUBLE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    PoolTimeout,
)


def is_trouble(error: BaseException | None) -> bool:
    """Whether the database or the network failed, rather than the work itself."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_trouble(error.orig)
    # SQLAlchemy's driver layer wraps asyncpg's errors and keeps them as the cause.
    return isinstance(error, _TROUBLE) or (error is not None and is_trouble(error.__cause__))


def is_unstorable(error: BaseException | None) -> bool:
    """Whether the database refused a value as such: a text with a NUL character, a number out of its column's range."""
    if isinstance(error, DBAPIError):
        return is_unstorable(error.orig)
    return isinstance(error, asyncpg.DataError) or (error is not None and is_unstorable(error.__cause__))


def service_metadata() -> MetaData:
    """The metadata of one service: named constraints, and the tables of outbox, inbox, parking and idempotency."""
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    Table(
        "outbox",
        metadata,
        Column("id", Uuid(), primary_key=True),
        Column("attempts", Integer(), nullable=False),
        Column("type", Text(), nullable=False),
        Column("body", LargeBinary(), nullable=False),
    )
    Table(
        "inbox",
        metadata,
        Column("event_id", Uuid(), primary_key=True),
        Column("handled_at", DateTime(timezone=True), nullable=False, index=True),
    )
    Table(
        "parked",
        metadata,
        Column("event_id", Uuid(), primary_key=True),
        Column("type", Text(), nullable=False),
        Column("body", LargeBinary(), nullable=False),
        Column("kind", Text(), nullable=False),
        Column("key", Uuid(), nullable=False),
        Column("tries", Integer(), nullable=False),
        Column("parked_at", DateTime(timezone=True), nullable=False),
        Column("due_at", DateTime(timezone=True), nullable=False, index=True),
        Index("ix_parked_kind_key", "kind", "key"),
    )
    Table(
        "idempotency",
        metadata,
        Column("account_id", Uuid(), primary_key=True),
        Column("key", Text(), primary_key=True),
        Column("digest", LargeBinary(), nullable=False),
        Column("status", Integer(), nullable=False),
        Column("answer", LargeBinary(), nullable=False),
        Column("answered_at", DateTime(timezone=True), nullable=False, index=True),
    )
    return metadata


class Database:
    """One process's access to its service's database. `url` is a libpq URL: `postgresql://user:password@host/name`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=5, max_overflow=15, pool_timeout=10
        )
        self._published = asyncio.Event()
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(
            self.engine, expire_on_commit=False, info={"published": self._published}
        )

    async def ping(self) -> None:
        """Return when PostgreSQL answers; raises what is_trouble() knows otherwise."""
        async with asyncio.timeout(5), self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def announce(self) -> None:
        """For ever: one NOTIFY for any number of commits that published, on a connection of its own.

        Inside the transaction it would serialise commits. A lost one costs nothing but time: the relay also polls.
        """
        while True:
            with suppress(*_TROUBLE):
                connection = await asyncpg.connect(self.url, timeout=5)
                try:
                    while True:
                        await self._published.wait()
                        self._published.clear()
                        await connection.execute("NOTIFY outbox")
                finally:
                    connection.terminate()
            await asyncio.sleep(1)

    async def close(self) -> None:
        await self.engine.dispose()


@event.listens_for(SyncSession, "after_commit")
def _announce_published(session: SyncSession) -> None:
    if session.info.pop("has_published", False):
        session.info["published"].set()


async def fetch(session: AsyncSession, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    """The rows of a statement ($1, $2...) run past SQLAlchemy, on the session's own connection and in its transaction.

    For hot paths: it spares half a millisecond a statement. Errors are the driver's own.
    """
    connection = await (await session.connection()).get_raw_connection()
    driver: asyncpg.Connection = connection.driver_connection
    if not driver.is_in_transaction():  # SQLAlchemy's driver layer begins only with its own first statement
        await session.execute(text("SELECT 1"))
    return list(await driver.fetch(statement, *arguments))


async def session(request: Request) -> AsyncIterator[AsyncSession]:
    """The request's session: one transaction, committed before the answer leaves."""
    database: Database = request.app.state.database
    async with database.sessions.begin() as open_session:
        yield open_session


#: The one way an endpoint gets a session; the scope makes a failing commit the caller's to see.
Session = Annotated[AsyncSession, Depends(session, scope="function")]
