"""What a service's database is made of, as its models declare it: tables, rights, triggers; held against what is there.

Rights are declared table by table: the application role may read and add; `may("UPDATE")` says what else it needs,
and what the law asks of the table.
"""

from collections.abc import Iterable
from datetime import timedelta
from itertools import groupby
from typing import Any, Literal, NamedTuple

from contracts.caller import ACCESS_VALID
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    event,
    text,
)

from chassis.law import Law, impersonal, personal

#: How long a repeated event or request is known. Requests: the API's promise; events: far beyond any redelivery.
KEEP_REQUESTS = timedelta(hours=72)
KEEP_EVENTS = timedelta(days=30)
#: A token lives no longer; the minute is for clocks that differ.
KEEP_REVOKED = ACCESS_VALID + timedelta(minutes=1)
KEEP_DESK_LOG = timedelta(days=5 * 365)

Right = Literal["UPDATE", "DELETE"]

#: Of the desk log nothing ever changes; but the words that were said of who is erased go with them.
DESK_LOG_GUARD = (
    """CREATE OR REPLACE FUNCTION keep_desk_log() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.reason IS NULL AND to_jsonb(NEW) - 'reason' = to_jsonb(OLD) - 'reason'
           AND EXISTS (SELECT FROM erased WHERE id IN (OLD.dossier_id, OLD.subject_id)) THEN
            RETURN NEW;
        END IF;
        RAISE 'permission denied: % loses only the words said of who is erased', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END $$""",
    """CREATE OR REPLACE TRIGGER only_words_are_lost BEFORE UPDATE ON desk_log
    FOR EACH ROW EXECUTE FUNCTION keep_desk_log()""",
)


def may(*rights: Right, law: Law) -> dict[str, Any]:
    """For the end of `__table_args__`: what the application role may do there besides reading and adding, and what the
    law asks: deleting, where it does."""
    return {"info": {"rights": tuple(dict.fromkeys((*rights, *(("DELETE",) if law.deletes else ())))), "law": law}}


def service_metadata(service: str, *, extensions: Iterable[str] = (), triggers: Iterable[str] = ()) -> MetaData:
    """The metadata of one service: named constraints, and the tables of outbox, inbox, parking and idempotency.

    `triggers` are statements that come after all tables: functions and the triggers that call them.
    """
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    _add_plumbing(metadata)

    @event.listens_for(metadata, "before_create")
    def add_extensions(_: MetaData, connection: Connection, **__: Any) -> None:
        for extension in extensions:
            connection.exec_driver_sql(f"CREATE EXTENSION IF NOT EXISTS {extension}")

    @event.listens_for(metadata, "after_create")
    def add_rights_and_triggers(_: MetaData, connection: Connection, **__: Any) -> None:
        for table in metadata.sorted_tables:
            rights = ", ".join(("SELECT", "INSERT", *table.info.get("rights", ())))
            connection.exec_driver_sql(f"GRANT {rights} ON {table.name} TO {service}_app")
        for statement in (*DESK_LOG_GUARD, *triggers):
            connection.exec_driver_sql(statement)

    return metadata


def _add_plumbing(metadata: MetaData) -> None:
    """The tables of outbox, inbox, parking, dead letters, erasures, merged dossiers, revoked access, the desk log and
    idempotency."""
    Table(
        "outbox",
        metadata,
        Column("id", Uuid(), primary_key=True),
        Column("attempts", Integer(), nullable=False),
        Column("type", Text(), nullable=False),
        Column("body", LargeBinary(), nullable=False),
        **may("UPDATE", "DELETE", law=impersonal("until the broker has it, which then holds it until it is heard")),
    )
    Table(
        "inbox",
        metadata,
        Column("event_id", Uuid(), primary_key=True),
        Column("handled_at", DateTime(timezone=True), nullable=False, index=True),
        **may(law=impersonal(("handled_at", KEEP_EVENTS))),
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
        **may("UPDATE", "DELETE", law=impersonal("until it can be handled, or is set aside")),
    )
    Table(
        "dead_letters",
        metadata,
        Column("only_row", Boolean(), CheckConstraint("only_row", name="only_row"), primary_key=True),
        Column("told", Integer(), nullable=False),
        Column("told_at", DateTime(timezone=True)),
        **may("UPDATE", law=impersonal("one row, for ever")),
    )
    Table(
        "desk_log",
        metadata,
        Column("id", Uuid(), primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False, index=True),
        Column("account_id", Uuid(), nullable=False),
        Column("role", Text(), nullable=False),
        Column("name", Text()),
        Column("act", Text(), nullable=False),
        Column("subject_id", Uuid(), index=True),
        Column("dossier_id", Uuid(), index=True),
        Column("reason", Text()),
        **may(
            "UPDATE",
            law=personal(
                "Actes du guichet",
                dossier="dossier_id",
                hidden=("account_id", "name"),
                stays="what the staff did stays known, of an id that names nobody any more, without the words of why",
                kept="for five years: the owner deletes what is older with each migration, the application cannot",
            ),
        ),
    )
    Table(
        "erased",
        metadata,
        Column("id", Uuid(), primary_key=True),
        Column("kind", Text(), nullable=False),
        Column("erased_at", DateTime(timezone=True), nullable=False),
        **may(law=impersonal("for ever, as nothing but an id: what comes late revives nobody")),
    )
    Table(
        "merged",
        metadata,
        Column("id", Uuid(), primary_key=True),
        Column("into_id", Uuid(), nullable=False, index=True),
        Column("merged_at", DateTime(timezone=True), nullable=False),
        **may("UPDATE", law=impersonal("for ever, as nothing but two ids: what comes late finds the family")),
    )
    Table(
        "revoked",
        metadata,
        Column("id", Uuid(), primary_key=True),
        Column("revoked_at", DateTime(timezone=True), nullable=False, index=True),
        **may(law=impersonal(("revoked_at", KEEP_REVOKED))),
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
        **may(
            law=personal(
                "Dernières demandes",
                account="account_id",
                unexported="what was answered, for three days, is exported from where it is kept",
                kept=("answered_at", KEEP_REQUESTS),
            )
        ),
    )


class Part(NamedTuple):
    """One thing of a schema as PostgreSQL itself writes it; `table` is empty for what belongs to none."""

    kind: str
    table: str
    name: str
    definition: str

    def __str__(self) -> str:
        return " ".join(word for word in (self.kind, f"{self.table}.{self.name}".strip("."), self.definition) if word)


#: Everything of the schema `public` that a migration can make; what an extension brought is left out.
_CATALOG = text("""
    WITH tables AS (
        SELECT oid, relname, relowner, relacl FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'alembic_version'
    )
    SELECT 'column', relname, attname, format_type(atttypid, atttypmod)
           || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
           || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
    FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    SELECT 'constraint', relname, conname, pg_get_constraintdef(pg_constraint.oid)
    FROM tables JOIN pg_constraint ON conrelid = tables.oid AND contype NOT IN ('t', 'n')
    UNION ALL
    SELECT 'index', relname, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM tables JOIN pg_index ON indrelid = tables.oid
    WHERE NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid AND conrelid = indrelid)
    UNION ALL
    SELECT 'trigger', relname, tgname, pg_get_triggerdef(pg_trigger.oid)
    FROM tables JOIN pg_trigger ON tgrelid = tables.oid AND NOT tgisinternal
    UNION ALL
    SELECT 'function', '', proname, regexp_replace(pg_get_functiondef(pg_proc.oid), '\\s+', ' ', 'g') FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    UNION ALL
    SELECT 'grant', relname, privilege_type, grantee::regrole::text
    FROM tables, aclexplode(relacl) WHERE grantee <> relowner
    UNION ALL
    SELECT 'extension', '', extname, '' FROM pg_extension WHERE extname <> 'plpgsql'
""")


def catalog(connection: Connection) -> set[Part]:
    """What is in the database."""
    return {Part(*row) for row in connection.execute(_CATALOG)}


def steps(there: set[Part], wanted: set[Part]) -> list[str]:
    """SQL statements, to be read by a person, that lead from one catalog to the other; what is lost comes last."""
    missing, tables = sorted(wanted - there), {part.table for part in there if part.kind == "column"}
    made = {
        table: ",\n    ".join(f"{part.name} {part.definition}" for part in columns)
        for table, columns in groupby((p for p in missing if p.kind == "column" and p.table not in tables), _table)
    }
    rest = [part for part in missing if not (part.kind == "column" and part.table in made)]
    order = ("extension", "column", "constraint", "index", "function", "trigger", "grant")
    return [
        *(f"CREATE TABLE {table} (\n    {columns}\n)" for table, columns in made.items()),
        *(_making(part) for part in sorted(rest, key=lambda part: (order.index(part.kind), part))),
        *(_losing(part) for part in sorted(there - wanted)),
    ]


def _table(part: Part) -> str:
    return part.table


def _making(part: Part) -> str:
    kind, table, name, definition = part
    return {
        "extension": f"CREATE EXTENSION IF NOT EXISTS {name}",
        "column": f"ALTER TABLE {table} ADD COLUMN {name} {definition}",
        "constraint": f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}",
        "grant": f"GRANT {name} ON {table} TO {definition}",
    }.get(kind, definition)


def _losing(part: Part) -> str:
    kind, table, name, definition = part
    return {
        "column": f"ALTER TABLE {table} DROP COLUMN {name}",
        "constraint": f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        "trigger": f"DROP TRIGGER {name} ON {table}",
        "grant": f"REVOKE {name} ON {table} FROM {definition}",
    }.get(kind, f"DROP {kind.upper()} {name}")
