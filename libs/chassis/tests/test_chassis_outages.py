"""The worker while its database or its broker is away: nothing is lost, nothing done twice, nothing set aside."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from chassis import broker, outbox
from chassis.database import Database
from chassis.stopping import Stop
from chassis.testing import Databases

from deploy.servers.rabbitmq import rabbitmq
from libs.chassis.tests.proxy import proxy
from libs.chassis.tests.queues import DEAD, EVENTS, Queues, toy_queues
from libs.chassis.tests.running import consuming, relaying
from libs.chassis.tests.tables import Rows
from libs.chassis.tests.toy.toy.main import HANDLERS, quotient_changed
from libs.chassis.tests.waiting import until


class Publisher:
    """Publishes one event after the other, all the time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.published = 0

    async def _publish(self, stop: Stop) -> None:
        while not stop.is_set():
            async with self._database.sessions.begin() as session:
                await outbox.publish(session, quotient_changed())
            self.published += 1
            await stop.wait(0.005)

    async def go_on(self) -> None:
        """Until a hundred more are published."""
        before = self.published
        await until(lambda: self.published > before + 100)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = Stop()
        task = asyncio.create_task(self._publish(stop))
        try:
            yield
        finally:
            stop.set()
            await task


async def all_arrived(queues: Queues, rows: Rows, publisher: Publisher) -> None:
    """Every event published had its effect, once, and no message is left."""
    await until(lambda: rows.count("outbox"), 0)
    await until(lambda: queues.waiting(EVENTS), 0)
    await until(lambda: rows.count("heard"), publisher.published)
    assert await queues.waiting(DEAD) == 0


async def test_a_database_away_for_ten_seconds_loses_and_doubles_and_sets_aside_nothing(
    databases: Databases, database: Database, queues: Queues, rows: Rows
) -> None:
    publisher = Publisher(database)
    clock = asyncio.get_running_loop().time
    async with proxy(databases.url) as to_database, relaying(database, queues.url):
        consumer = Database(to_database.url)
        async with consuming(consumer, queues.url), publisher.running():
            await publisher.go_on()
            await to_database.cut()
            since, handled = clock(), await rows.count("heard")
            await until(lambda: clock() - since > 10)
            assert await rows.count("heard") <= handled + 20  # what was committing
            await to_database.restore()
            await publisher.go_on()
        async with consuming(consumer, queues.url):
            await all_arrived(queues, rows, publisher)
        await consumer.close()


async def test_a_broker_restarted_and_killed_under_load_loses_and_doubles_nothing(
    database: Database, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ESPACE_AMQP_URL", raising=False)  # this one is stopped: it must be ours
    topology = tmp_path / "definitions.json"
    topology.write_text(json.dumps(broker.definitions({"toy": HANDLERS})))
    publisher = Publisher(database)
    with rabbitmq(tmp_path / "rabbitmq", topology) as private:
        async with relaying(database, private.url), consuming(database, private.url), publisher.running():
            for take_away in (private.stop, private.kill):
                await publisher.go_on()
                await asyncio.to_thread(take_away)
                await publisher.go_on()
                await asyncio.to_thread(private.start)
        async with toy_queues(private.url) as queues, relaying(database, private.url), consuming(database, private.url):
            await all_arrived(queues, rows, publisher)


async def test_a_broker_that_falls_silent_is_left_for_a_new_connection(
    database: Database, queues: Queues, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "HEARTBEAT_S", 1)
    monkeypatch.setattr(outbox, "PUBLISH_TIMEOUT_S", 1.0)
    publisher = Publisher(database)
    async with proxy(queues.url) as to_broker, relaying(database, to_broker.url), consuming(database, to_broker.url):
        async with publisher.running():
            await publisher.go_on()
            await until(queues.consumers, 1)
            to_broker.silence()
            await publisher.go_on()
        await all_arrived(queues, rows, publisher)


async def test_a_wait_that_the_client_library_cancelled_is_trouble_and_one_that_we_cancelled_is_not() -> None:
    heard: list[bool] = []

    async def wait(for_what: asyncio.Future[None]) -> None:
        try:
            await for_what
        except asyncio.CancelledError as error:
            heard.append(broker.is_trouble(error))

    for cancel_the_task in (False, True):
        for_what = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(wait(for_what))
        await asyncio.sleep(0)
        (task if cancel_the_task else for_what).cancel()
        await task
    assert heard == [True, False]
