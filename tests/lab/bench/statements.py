"""The statements of one request, as the service sends them, made into a script that pgbench runs for any family.

They are recorded, not copied out: whatever the service comes to ask of its database, pgbench asks the same.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from unittest import mock
from uuid import UUID

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from chassis.service import Service
from chassis.testing import Signer, serving

from deploy.local.stack import Stack

#: The idempotency key of the request that is recorded.
KEY = "key-of-this-recording"
Query = tuple[str, Sequence[Any]]
_ELEMENTS: Mapping[type, str] = {UUID: "uuid", int: "integer", str: "text", bytes: "bytea", date: "date"}


class Asked(NamedTuple):
    """A request, and the status that it must be answered with."""

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]
    status: int


def script(
    running: Stack, service: Service, signer: Signer, requests: Sequence[Asked], expressions: Mapping[UUID, str]
) -> str:
    """What the last of the requests asks of the database, after the others on its connection; `expressions` say in
    pgbench's variables what stands for the ids of its family. Raises RuntimeError for any other answer.
    """
    queries = asyncio.run(recorded(running, service, signer, requests))
    if not any("INSERT" in sql for sql, _ in queries):
        raise RuntimeError("nothing that the request writes was recorded")
    known = dict(expressions)
    return "".join(_line(sql, args, known) for sql, args in queries if sql != "SELECT 1")


async def recorded(running: Stack, service: Service, signer: Signer, requests: Sequence[Asked]) -> list[Query]:
    """What the last of the requests asks of the database."""
    settings = service.settings(
        database_url=running.databases[service.name],
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
        async with serving(service, settings, signer) as client:
            for asked in requests:
                queries.clear()
                async with client.request(asked.method, asked.path, json=asked.body, headers=asked.headers) as answer:
                    if answer.status != asked.status:
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
            return known.setdefault(value, named(100 + len(known), ":i"))
        case str():
            quoted = "E'" + value.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a") + "'"
            return quoted.replace(KEY, "' || CAST(:i AS text) || E'")
        case bytes():
            return f"'\\x{value.hex()}'::bytea"
        case datetime():
            return f"to_timestamp({value.timestamp()})"
        case date():
            return f"'{value}'::date"
        case list() | tuple():
            return _array(value, known)
        case _:
            raise TypeError(f"a request has come to send a {type(value).__name__}: say here how pgbench writes it")


def _array(values: Sequence[Any], known: dict[UUID, str]) -> str:
    kinds = {
        next(name for kind, name in _ELEMENTS.items() if isinstance(one, kind)) for one in values if one is not None
    }
    if not kinds:  # the statement says of what
        return f"'{{{', '.join('NULL' for _ in values)}}}'"
    [of] = kinds
    return f"ARRAY[{', '.join(_expression(one, known) for one in values)}]::{of}[]"


def named(kind: int, number: str) -> str:
    """The id that `scene.named` gives, in SQL."""
    return f"('{kind:08x}-0000-7000-8000-' || lpad(to_hex(CAST({number} AS bigint)), 12, '0'))::uuid"
