"""What errors mean: the server or the way to it failed, two transactions met, or a value cannot be stored."""

import asyncio
import sys
import traceback
from typing import TYPE_CHECKING, TypeGuard

import asyncpg
from asyncpg.exceptions import OutdatedSchemaCacheError
from pydantic import ValidationError

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

#: The database is not there, going away, full, or changed under us: try again later, nothing is wrong with the work.
_TROUBLE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.InterfaceError,
    # What the driver did not expect of a server that is going away, among others.
    asyncpg.InternalClientError,
    OutdatedSchemaCacheError,
)
#: Two transactions met, or one met a limit of time: the same work may well succeed at the next try.
_CONTENTION = (
    asyncpg.TransactionRollbackError,  # deadlocks and serialization failures
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)


# The doors (gateway and web) have no database: they do without SQLAlchemy, and without its 13 MB each. What is not
# imported has raised nothing.


def _is_wrapped(error: BaseException) -> "TypeGuard[DBAPIError]":
    found = sys.modules.get("sqlalchemy.exc")
    return found is not None and isinstance(error, found.DBAPIError)


def _is_of_a_full_pool(error: BaseException) -> bool:
    found = sys.modules.get("sqlalchemy.exc")
    return found is not None and isinstance(error, found.TimeoutError)


def _driver_error(error: BaseException) -> BaseException:
    """The driver's own error: SQLAlchemy wraps it twice and keeps it as the cause of what it calls the original."""
    if _is_wrapped(error) and error.orig is not None:
        error = error.orig
    found = sys.modules.get("sqlalchemy.dialects.postgresql.asyncpg")
    if found is not None and isinstance(error, found.AsyncAdapt_asyncpg_dbapi.Error):
        cause: BaseException | None = error.__cause__
        return cause or error
    return error


def is_contention(error: BaseException) -> bool:
    """Whether the work met somebody else's, and may be tried again at once."""
    return isinstance(_driver_error(error), _CONTENTION)


def is_trouble(error: BaseException) -> bool:
    """Whether the database or the network failed, rather than the work itself."""
    if _is_of_a_full_pool(error) or (_is_wrapped(error) and error.connection_invalidated):
        return True
    return isinstance(_driver_error(error), _TROUBLE) and not is_contention(error)


def is_unstorable(error: BaseException) -> bool:
    """Whether the database refused a value as such: a text with a NUL character, a number out of its column's range."""
    return isinstance(_driver_error(error), asyncpg.DataError)


def said(error: BaseException) -> str:
    """The error in words that may be logged: without any value that was stored, sent or read."""
    found = _driver_error(error)
    if _is_wrapped(error):
        return f"{said(found)} [SQL: {error.statement}]"
    if isinstance(found, ValidationError):
        where = [(*one["loc"], one["type"]) for one in found.errors(include_input=False, include_context=False)]
        return f"ValidationError({found.title}: {where})"
    if isinstance(found, asyncpg.DataError):  # its message quotes the value
        return f"{type(found).__name__}(a value was refused)"
    if isinstance(found, asyncpg.PostgresError):  # only its message: the detail quotes rows
        return f"{type(found).__name__}({found.args[0] if found.args else ''})"
    return repr(found)


def traced(error: BaseException) -> str:
    """The error's traceback with those of what it came from, each `said`."""
    seen: list[str] = []
    at: BaseException | None = error
    while at is not None and len(seen) < 10:
        lines = ["Traceback (most recent call last):\n", *traceback.format_tb(at.__traceback__), said(at)]
        if isinstance(at, BaseExceptionGroup):
            lines += ["\n" + traced(one) for one in at.exceptions]
        seen.append("".join(lines))
        if _is_wrapped(at) or isinstance(at, asyncpg.PostgresError):
            break  # what it came from quotes values again
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "\n\nFrom this came:\n".join(reversed(seen))
