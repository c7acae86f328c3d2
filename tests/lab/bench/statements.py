"""The statements of one hold, as the service sends them, made into a script that pgbench runs for any family.

They are recorded, not copied out: whatever the service comes to ask of its database, pgbench asks the same.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from unittest import mock
from uuid import UUID

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from chassis.testing import serving
from enrolment.main import SERVICE

from deploy.local.stack import Stack
from tests.lab.bench import scene

#: Known to nobody but this recording.
FAMILY, WEEK, KEY = scene.FAMILIES - 1, scene.WEEKS - 1, "key-of-this-recording"
#: Each transaction takes the next number and, by it, a family and a week that nobody has taken. `clients`, `first` and
#: `n` are given by pgbench.rate().
NEXT = f"""\\set i :first + :n * :clients + :client_id
\\set n :n + 1
\\set family {scene.FAMILIES // 2} + :i % {scene.FAMILIES // 2 - 1}
\\set week (:i + :i / {scene.FAMILIES // 2 - 1}) % {scene.WEEKS}
"""
Query = tuple[str, Sequence[Any]]
_ELEMENTS: Mapping[type, str] = {UUID: "uuid", int: "integer", str: "text", bytes: "bytea"}


def of_a_hold(running: Stack) -> str:
    families = scene.Families(running)
    expressions = {
        scene.named(scene.DOSSIER, FAMILY): _id(scene.DOSSIER, ":family"),
        scene.named(scene.CHILD, 2 * FAMILY): _id(scene.CHILD, "2 * :family"),
        scene.named(scene.CHILD, 2 * FAMILY + 1): _id(scene.CHILD, "2 * :family + 1"),
        scene.named(scene.WEEK, WEEK): _id(scene.WEEK, ":week"),
        scene.named(scene.ACCOUNT, FAMILY): _id(scene.ACCOUNT, ":family"),
    }
    recorded = asyncio.run(_recorded(running, families))
    if not any("booking_lines" in sql for sql, _ in recorded):
        raise RuntimeError("no statement of the hold was recorded")
    return NEXT + "".join(_line(sql, args, expressions) for sql, args in recorded if sql != "SELECT 1")


async def _recorded(running: Stack, families: scene.Families) -> list[Query]:
    """What the service asks of its database for one hold, the second of its connection."""
    settings = SERVICE.settings(
        database_url=running.databases["enrolment"],
        amqp_url=running.amqp,
        jwks_url="http://127.0.0.1:9",
        token_issuer=running.gateway,
        port=0,
    )
    queries: list[Query] = []
    connect, execute = asyncpg.Connection.__init__, PreparedStatement._PreparedStatement__bind_execute

    def listened(connection: asyncpg.Connection, *given: Any, **named: Any) -> None:
        connect(connection, *given, **named)
        connection.add_query_logger(lambda logged: queries.append((logged.query, logged.args)))

    def prepared(statement: PreparedStatement, args: Sequence[Any], *more: Any) -> Awaitable[Any]:
        queries.append((statement.get_query(), args))  # which no logger hears of
        done: Awaitable[Any] = execute(statement, args, *more)
        return done

    with (
        mock.patch.object(asyncpg.Connection, "__init__", listened),
        mock.patch.object(PreparedStatement, "_PreparedStatement__bind_execute", prepared),
    ):
        async with serving(SERVICE, settings, families.signer) as client:
            for week, key in ((0, "first"), (WEEK, KEY)):
                queries.clear()
                headers = {"Authorization": f"Bearer {families.token(FAMILY)}", "Idempotency-Key": key}
                async with client.post("/v1/bookings", json=families.lines(FAMILY, week), headers=headers) as answer:
                    if answer.status != 201:
                        raise RuntimeError(await answer.text())
    return queries


def _line(sql: str, args: Sequence[Any], expressions: dict[UUID, str]) -> str:
    sql = " ".join(sql.rstrip("; \n").split())
    values = [_expression(value, expressions) for value in args]
    return re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], sql) + ";\n"


def _expression(value: Any, known: dict[UUID, str]) -> str:
    """The value for any family; an id that the recorded hold made is made anew, the same in each statement."""
    match value:
        case None | bool():
            return "NULL" if value is None else str(value).lower()
        case int():
            return str(value)
        case UUID():
            return known.setdefault(value, _id(100 + len(known), ":i"))
        case str():
            quoted = "E'" + value.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a") + "'"
            return quoted.replace(KEY, "' || CAST(:i AS text) || E'")
        case bytes():
            return f"'\\x{value.hex()}'::bytea"
        case datetime():
            return f"to_timestamp({value.timestamp()})"
        case date():
            return f"'{value}'::date"
        case list() | tuple() if value:
            [of] = {name for kind, name in _ELEMENTS.items() if isinstance(value[0], kind)}
            return f"ARRAY[{', '.join(_expression(one, known) for one in value)}]::{of}[]"
        case _:
            raise TypeError(f"a hold has come to send a {type(value).__name__}: say here how pgbench writes it")


def _id(kind: int, number: str) -> str:
    return f"('{kind:08x}-0000-7000-8000-' || lpad(to_hex(CAST({number} AS bigint)), 12, '0'))::uuid"
