"""Migrations: one Alembic history a service, run as a step of its own by the owner of its database."""

import asyncio
from pathlib import Path
from typing import Any

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from chassis import clock
from chassis.schema import DESK_LOG_GUARD, KEEP_DESK_LOG, Part, catalog

#: A migration that waits longer than this for a lock gives up rather than hold every request behind it.
LOCK_TIMEOUT = "5s"


def _folder(service: str) -> Path:
    module = __import__(service)
    return Path(str(module.__file__)).parents[1] / "migrations"


def _in_connection(url: str, work: Any) -> Any:
    async def connected() -> Any:
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    return asyncio.run(connected())


def upgrade(service: str, owner_url: str) -> None:
    """Bring the service's schema up to date. Running it again, or twice at once, changes nothing more."""

    def apply(connection: Connection) -> None:
        # Another migration may take its time: this lock is waited for without the timeout that the others have.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('migrations', 0))"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        config = Config()
        config.set_main_option("script_location", str(_folder(service)).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(text("DELETE FROM desk_log WHERE at < :before"), {"before": clock.now() - KEEP_DESK_LOG})

    _in_connection(owner_url, apply)


def run_env() -> None:
    """The whole of a service's `migrations/env.py`: its migrations in the transaction that upgrade() opened."""
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def schemas(owner_url: str, scratch_url: str, metadata: MetaData) -> tuple[set[Part], set[Part]]:
    """All that the migrated database is made of, and all that the models declare: equal is right.

    `scratch_url` is the owner's of an empty database, in which the models are made for that.
    """

    def declared(connection: Connection) -> set[Part]:
        metadata.create_all(connection)
        return catalog(connection)

    return _in_connection(owner_url, catalog), _in_connection(scratch_url, declared)


def create_plumbing(application_role: str) -> None:
    """For a first migration: the plumbing's tables, and what the application role may do on every table: read and add.

    Frozen: a later change of the plumbing is a function of its own, called by a later migration.
    """
    for statement in (
        f"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO {application_role}",
        """CREATE TABLE outbox (
            id uuid CONSTRAINT pk_outbox PRIMARY KEY,
            attempts integer NOT NULL,
            type text NOT NULL,
            body bytea NOT NULL
        )""",
        """CREATE TABLE inbox (
            event_id uuid CONSTRAINT pk_inbox PRIMARY KEY,
            handled_at timestamptz NOT NULL
        )""",
        "CREATE INDEX ix_inbox_handled_at ON inbox (handled_at)",
        """CREATE TABLE parked (
            event_id uuid CONSTRAINT pk_parked PRIMARY KEY,
            type text NOT NULL,
            body bytea NOT NULL,
            kind text NOT NULL,
            key uuid NOT NULL,
            tries integer NOT NULL,
            parked_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL
        )""",
        "CREATE INDEX ix_parked_kind_key ON parked (kind, key)",
        "CREATE INDEX ix_parked_due_at ON parked (due_at)",
        # How many dead letters the desk was told of last, and when: one row.
        """CREATE TABLE dead_letters (
            only_row boolean CONSTRAINT pk_dead_letters PRIMARY KEY
                CONSTRAINT ck_dead_letters_only_row CHECK (only_row),
            told integer NOT NULL,
            told_at timestamptz
        )""",
        "INSERT INTO dead_letters VALUES (true, 0, NULL)",
        # Who of the staff did what: read and added to, no more; but see its guard.
        """CREATE TABLE desk_log (
            id uuid CONSTRAINT pk_desk_log PRIMARY KEY,
            at timestamptz NOT NULL,
            account_id uuid NOT NULL,
            role text NOT NULL,
            name text,
            act text NOT NULL,
            subject_id uuid,
            dossier_id uuid,
            reason text
        )""",
        "CREATE INDEX ix_desk_log_at ON desk_log (at)",
        "CREATE INDEX ix_desk_log_dossier_id ON desk_log (dossier_id)",
        "CREATE INDEX ix_desk_log_subject_id ON desk_log (subject_id)",
        *DESK_LOG_GUARD,
        # Dossiers, children and accounts that were erased.
        """CREATE TABLE erased (
            id uuid CONSTRAINT pk_erased PRIMARY KEY,
            kind text NOT NULL,
            erased_at timestamptz NOT NULL
        )""",
        # Dossiers that are part of another one now.
        """CREATE TABLE merged (
            id uuid CONSTRAINT pk_merged PRIMARY KEY,
            into_id uuid NOT NULL,
            merged_at timestamptz NOT NULL
        )""",
        "CREATE INDEX ix_merged_into_id ON merged (into_id)",
        # Sessions that have ended, and programs that were removed, whose tokens may still be about.
        """CREATE TABLE revoked (
            id uuid CONSTRAINT pk_revoked PRIMARY KEY,
            revoked_at timestamptz NOT NULL
        )""",
        "CREATE INDEX ix_revoked_revoked_at ON revoked (revoked_at)",
        """CREATE TABLE idempotency (
            account_id uuid NOT NULL,
            key text NOT NULL,
            digest bytea NOT NULL,
            status integer NOT NULL,
            answer bytea NOT NULL,
            answered_at timestamptz NOT NULL,
            CONSTRAINT pk_idempotency PRIMARY KEY (account_id, key)
        )""",
        "CREATE INDEX ix_idempotency_answered_at ON idempotency (answered_at)",
        f"GRANT UPDATE, DELETE ON outbox, parked TO {application_role}",
        f"GRANT UPDATE ON dead_letters, desk_log, merged TO {application_role}",
        f"GRANT DELETE ON inbox, revoked, idempotency TO {application_role}",
    ):
        op.execute(statement)
