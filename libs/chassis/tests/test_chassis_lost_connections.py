"""Connections that end at any moment: no part of a worker ends with them, nothing is lost, nothing done twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, get_args

import asyncpg
import pytest
from chassis import database as database_module
from chassis import outbox, supervision, worker
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.stopping import Stop
from chassis.testing import Databases
from chassis.worker import Job
from contracts.dossier import QuotientChanged
from sqlalchemy.ext.asyncio import AsyncSession

from libs.chassis.tests.proxy import Proxy, proxy
from libs.chassis.tests.queues import COPIES, DEAD, EVENTS, Queues, body
from libs.chassis.tests.running import consuming, relaying
from libs.chassis.tests.tables import Gate, Rows
from libs.chassis.tests.toy.toy.main import Thing, keep, quotient_changed
from libs.chassis.tests.waiting import until

End = Literal["terminated", "cut"]
Moment = Literal["idle", "in a statement", "in a transaction", "in a commit"]
ENDS = pytest.mark.parametrize("how", get_args(End))


@dataclass
class Lifeline:
    """The way to the database of the part that is tested; `end()` ends the connections on it, which may come back."""

    databases: Databases
    admin_url: str
    to_database: Proxy
    database: Database

    async def end(self, how: End) -> None:
        if how == "cut":
            await self.to_database.cut()
            await self.to_database.restore()
            return
        admin = await asyncpg.connect(self.admin_url)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = 'toy_app'",
            self.databases.url.rpartition("/")[2],
        )
        await admin.close()


@pytest.fixture
async def lifeline(databases: Databases, postgres: str) -> AsyncIterator[Lifeline]:
    async with proxy(databases.url) as to_database:
        opened = Database(to_database.url)
        yield Lifeline(databases, postgres, to_database, opened)
        await opened.close()


@pytest.fixture
async def rows(databases: Databases, postgres: str) -> AsyncIterator[Rows]:
    """Seen on a connection that nobody ends, by one who sees what others do."""
    watching = Database(f"{postgres.rpartition('/')[0]}/{databases.url.rpartition('/')[2]}")
    yield Rows(watching)
    await watching.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "BACK_OFF_S", 0.1)
    monkeypatch.setattr(outbox, "POLL_S", 0.1)
    monkeypatch.setattr(outbox, "PUBLISH_TIMEOUT_S", 1.0)


async def publish(databases: Databases, times: int = 1) -> None:
    """From a process whose connections last."""
    publisher = Database(databases.owner_url)
    async with publisher.sessions.begin() as session:
        await outbox.publish(session, *(quotient_changed() for _ in range(times)))
    await publisher.close()


async def in_the_middle(gate: Gate, moment: Moment, table: str, statement: str) -> None:
    if moment in ("in a statement", "in a commit"):
        await gate.close(table, statement, at_commit=moment == "in a commit")


@ENDS
@pytest.mark.parametrize("moment", get_args(Moment))
async def test_a_consumer_goes_on(
    lifeline: Lifeline, queues: Queues, rows: Rows, gate: Gate, how: End, moment: Moment
) -> None:
    within, go_on = asyncio.Event(), asyncio.Event()

    async def keep_and_linger(session: AsyncSession, event: QuotientChanged) -> None:
        await keep(session, event)
        await session.flush()
        within.set()
        if moment == "in a transaction":
            await go_on.wait()

    async with consuming(lifeline.database, queues.url, {QuotientChanged: keep_and_linger}):
        await until(queues.consumers, 1)
        await in_the_middle(gate, moment, "heard", "INSERT")
        if moment != "idle":
            await queues.send(body(quotient_changed()))
            await until(within.is_set if moment == "in a transaction" else gate.busy)
        await lifeline.end(how)
        go_on.set()
        await gate.open()
        await queues.send(body(quotient_changed()))
        await until(lambda: rows.count("heard"), 1 if moment == "idle" else 2)
        await until(lambda: queues.waiting(EVENTS), 0)
    assert await queues.waiting(DEAD) == 0


@ENDS
@pytest.mark.parametrize("moment", get_args(Moment))
async def test_a_relay_goes_on(
    lifeline: Lifeline, queues: Queues, rows: Rows, gate: Gate, how: End, moment: Moment
) -> None:
    async with proxy(queues.url) as to_broker, relaying(lifeline.database, to_broker.url):
        await publish(lifeline.databases)
        await until(lambda: rows.count("outbox"), 0)
        await in_the_middle(gate, moment, "outbox", "DELETE")
        if moment == "in a transaction":
            to_broker.deafen()  # it waits for a confirm that never comes
        if moment != "idle":
            await publish(lifeline.databases)
            await until(rows.relay_waits if moment == "in a transaction" else gate.busy)
        await lifeline.end(how)
        await gate.open()
        await publish(lifeline.databases, 3)
        await until(lambda: rows.count("outbox"), 0)
    assert len(set(await queues.take(COPIES))) == (4 if moment == "idle" else 5)


@ENDS
@pytest.mark.parametrize("moment", get_args(Moment))
async def test_a_job_goes_on(lifeline: Lifeline, rows: Rows, gate: Gate, how: End, moment: Moment) -> None:
    within, go_on, stop = asyncio.Event(), asyncio.Event(), Stop()

    async def make_a_thing(database: Database, settings: object) -> None:
        async with database.sessions.begin() as session:
            session.add(Thing(id=new_id(), name=str(new_id()), size=1))
            await session.flush()
            within.set()
            if moment == "in a transaction":
                await go_on.wait()

    await in_the_middle(gate, moment, "things", "INSERT")
    running = asyncio.create_task(worker.repeat(Job(make_a_thing, 0.05), lifeline.database, None, stop))
    await until(within.is_set if moment in ("idle", "in a transaction") else gate.busy)
    await lifeline.end(how)
    go_on.set()
    await gate.open()
    made = await rows.count("things")

    async def more() -> bool:
        return running.done() or await rows.count("things") > made + 2

    await until(more)
    assert not running.done()
    stop.set()
    await running


@ENDS
async def test_announcements_go_on(
    lifeline: Lifeline, queues: Queues, rows: Rows, how: End, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a relay that has lasting connections and never looks by itself: what is announced is all it hears."""
    monkeypatch.setattr(outbox, "POLL_S", 3600.0)

    async def publish_and_look() -> bool:
        if published and await rows.count("outbox") == 0:
            return True
        async with lifeline.database.sessions.begin() as session:
            await outbox.publish(session, quotient_changed())
        published.append(True)
        return False

    relay, published = Database(lifeline.databases.owner_url), list[bool]()
    async with relaying(relay, queues.url, announcing=lifeline.database):
        await until(publish_and_look)
        await lifeline.end(how)
        await lifeline.database.engine.dispose()  # what is tested is the connection of its own
        published.clear()
        await until(publish_and_look)
    await relay.close()


async def test_a_database_that_falls_silent_is_left_for_a_new_connection(
    databases: Databases, postgres: str, queues: Queues, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "SILENCE_S", 1)
    monkeypatch.setattr(database_module, "STATEMENT_S", 1)
    async with proxy(databases.url) as to_database:
        silent = Database(to_database.url, statement_s=1)
        async with relaying(silent, queues.url), consuming(silent, queues.url):
            await publish(databases)
            await until(lambda: rows.count("heard"), 1)
            to_database.silence()
            await publish(databases)
            await until(lambda: rows.count("heard"), 2)
        await silent.close()
