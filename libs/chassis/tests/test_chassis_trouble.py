"""Errors: none that a server may give ends a part of a process, and none tells a log what was in the database."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable

import aiormq.exceptions
import asyncpg
import pamqp.exceptions
import pytest
from chassis import inbox, logs, outbox, supervision, trouble
from chassis.database import LOCK_S, STATEMENT_S, Database, connect
from chassis.identifiers import new_id
from chassis.problems import unexpected
from chassis.stopping import Stop
from chassis.supervision import keep_going
from contracts.dossier import QuotientChanged
from pydantic import BaseModel, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from libs.chassis.tests.queues import COPIES, DEAD, Queues, body
from libs.chassis.tests.running import consuming, relaying
from libs.chassis.tests.tables import Rows
from libs.chassis.tests.toy.toy.main import Thing, keep, quotient_changed
from libs.chassis.tests.waiting import until

#: What the libraries raise of their own, and what nobody foresees.
ERRORS: list[BaseException] = [
    asyncpg.InternalClientError("got result for unknown protocol state 3"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.ProtocolViolationError("what was that?"),
    asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    asyncpg.ReadOnlySQLTransactionError("cannot execute DELETE in a read-only transaction"),
    asyncpg.IdleInTransactionSessionTimeoutError("terminating connection"),
    asyncpg.InvalidPasswordError("password authentication failed"),
    asyncpg.DeadlockDetectedError("deadlock detected"),
    ConnectionResetError(),
    TimeoutError(),
    aiormq.exceptions.ChannelInvalidStateError("closed"),
    aiormq.exceptions.ConnectionFrameError(),
    aiormq.exceptions.ProbableAuthenticationError(),
    aiormq.exceptions.ChannelNotFoundEntity(),
    pamqp.exceptions.UnmarshalingException("frame", "error"),
    pamqp.exceptions.AMQPFrameError(),
    asyncio.CancelledError(),
    asyncio.InvalidStateError(),
    Exception(),
    KeyError("unforeseen"),
    AssertionError(),
    ExceptionGroup("several", [KeyError("unforeseen")]),
]
EACH = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "BACK_OFF_S", 0.05)


@EACH
async def test_what_runs_for_ever_is_begun_again_after_any_error_and_says_so(error: BaseException) -> None:
    stop, begun = Stop(), 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 3:
            return stop.set()
        raise error

    with capture_logs() as logged:
        await keep_going("work", work, stop)
    assert begun == 3
    assert [line["event"].removeprefix("work_") in ("interrupted", "failed") for line in logged] == [True, True]


async def test_what_runs_for_ever_ends_when_it_is_cancelled() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(keep_going("work", work, Stop()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_relay_survives_every_error(
    database: Database, queues: Queues, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised, forward = list(ERRORS), outbox.forward

    async def forward_or_raise(*arguments: object) -> bool:
        if raised:
            raise raised.pop()
        return await forward(*arguments)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr(outbox, "forward", forward_or_raise)
    monkeypatch.setattr(supervision, "LONGEST_BACK_OFF_S", 0.05)
    async with database.sessions.begin() as session:
        await outbox.publish(session, quotient_changed())
    async with relaying(database, queues.url):
        await until(lambda: rows.count("outbox"), 0)
    assert raised == []
    assert len(await queues.take(COPIES)) == 1


@pytest.mark.parametrize(
    "error",
    [error for error in ERRORS if isinstance(error, asyncpg.PostgresError | asyncpg.InternalClientError)],
    ids=lambda error: type(error).__name__,
)
async def test_a_handler_that_meets_trouble_is_tried_again_and_its_message_never_set_aside(
    database: Database, queues: Queues, rows: Rows, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "RETRY_DELAYS_S", (0.0, 0.0, 0.0))
    tries = 0

    async def fail_six_times(session: AsyncSession, event: QuotientChanged) -> None:
        nonlocal tries
        tries += 1
        if tries <= 6:
            raise error
        await keep(session, event)

    await queues.send(body(quotient_changed()))
    async with relaying(database, queues.url), consuming(database, queues.url, {QuotientChanged: fail_six_times}):
        await until(lambda: rows.count("heard"), 1)
    assert await queues.waiting(DEAD) == 0


async def deadlock(database: Database) -> DBAPIError:
    """A real one: what its victim is told."""

    async def hold(first: int, second: int, mine: asyncio.Event, theirs: asyncio.Event) -> None:
        async with database.sessions.begin() as session:
            await session.execute(text(f"SELECT pg_advisory_xact_lock({first})"))
            mine.set()
            await theirs.wait()
            await session.execute(text(f"SELECT pg_advisory_xact_lock({second})"))

    one, other = asyncio.Event(), asyncio.Event()
    outcomes = await asyncio.gather(hold(1, 2, one, other), hold(2, 1, other, one), return_exceptions=True)
    (victim,) = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(victim, DBAPIError)
    return victim


async def test_a_request_that_meets_a_deadlock_is_told_to_come_again(database: Database) -> None:
    answer = unexpected(await deadlock(database)).response()
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert unexpected(KeyError()).response().status_code == 500


async def test_every_connection_has_its_limits(database: Database) -> None:
    own = await connect(database.url)
    try:
        async with database.sessions() as session:
            for name, limit in (("statement_timeout", STATEMENT_S), ("lock_timeout", LOCK_S)):
                assert await own.fetchval(f"SHOW {name}") == f"{limit}s"
                assert (await session.execute(text(f"SHOW {name}"))).scalar_one() == f"{limit}s"
            idle = "idle_in_transaction_session_timeout"
            assert await own.fetchval(f"SHOW {idle}") == (await session.execute(text(f"SHOW {idle}"))).scalar_one()
            assert await own.fetchval(f"SHOW {idle}") != "0"
    finally:
        await own.close()


#: Not written out here: a traceback shows lines of this file.
SECRET = "se" + "cret"


async def violate(database: Database) -> None:
    for _ in range(2):
        async with database.sessions.begin() as session:
            session.add(Thing(id=new_id(), name=SECRET, size=1))


async def overflow(database: Database) -> None:
    async with database.sessions.begin() as session:
        await session.execute(text("SELECT CAST(:value AS uuid)"), {"value": SECRET})


async def misread(database: Database) -> None:
    class Reading(BaseModel):
        number: int

    Reading.model_validate({"number": SECRET})


@pytest.mark.parametrize("mistake", [violate, overflow, misread], ids=lambda mistake: mistake.__name__)
async def test_no_value_reaches_a_log(database: Database, mistake: Callable[[Database], Awaitable[None]]) -> None:
    with pytest.raises((DBAPIError, ValidationError)) as caught:
        await mistake(database)
    error = caught.value
    assert SECRET in "".join(traceback.format_exception(error))  # as everybody else would tell it
    record = logging.LogRecord("any", logging.ERROR, __file__, 1, "it failed", None, (type(error), error, None))
    for line in (trouble.said(error), trouble.traced(error), logs.formatter().format(record)):
        assert SECRET not in line
        assert any(word in line for word in ("violates unique constraint", "a value was refused", "int_parsing"))
