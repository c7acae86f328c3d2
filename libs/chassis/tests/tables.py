"""The toy's tables as a test sees them: how many rows, and gates that hold whoever writes there."""

import asyncpg
from chassis.database import Database
from chassis.testing import Databases
from sqlalchemy import text


class Gate:
    """Holds statements of one kind on one table as long as it is closed: a place where a process can be met."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._keeper: asyncpg.Connection | None = None

    async def close(self, table: str, statement: str, *, at_commit: bool = False) -> None:
        """Let every INSERT, UPDATE or DELETE there wait, or the commit that comes after it."""
        self._keeper = await asyncpg.connect(self._databases.owner_url)
        await self._keeper.execute("SELECT pg_advisory_lock(1)")
        await self._keeper.execute(
            "CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_advisory_lock_shared(1); PERFORM pg_advisory_unlock_shared(1);"
            " RETURN coalesce(NEW, OLD); END $$"
        )
        kind = f"CONSTRAINT TRIGGER gate AFTER {statement}" if at_commit else f"TRIGGER gate BEFORE {statement}"
        when = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
        await self._keeper.execute(f"CREATE {kind} ON {table} {when} FOR EACH ROW EXECUTE FUNCTION gate()")

    async def held(self) -> int:
        """How many statements wait there."""
        assert self._keeper is not None
        return int(
            await self._keeper.fetchval(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 1"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )

    async def busy(self) -> bool:
        return await self.held() > 0

    async def open(self) -> None:
        if self._keeper is not None:
            await self._keeper.close()
            self._keeper = None


class Rows:
    """What is in the toy's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, table: str) -> int:
        async with self._database.sessions() as session:
            return int((await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())

    async def relay_waits(self) -> bool:
        """Whether a relay has taken rows of the outbox and its transaction waits for the broker."""
        async with self._database.sessions() as session:
            found = await session.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state = 'idle in transaction' AND query LIKE 'SELECT id, type, body%'"
                )
            )
            return bool(found.scalar_one())

    async def nobody_else(self) -> bool:
        """Whether no other connection to this database is left, not even one whose client is gone."""
        async with self._database.sessions() as session:
            others = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return not (await session.execute(text(others))).scalar_one()
