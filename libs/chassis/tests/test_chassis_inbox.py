"""The inbox and its consumer, on a real broker: each event has its effect once, and what cannot is set aside."""

import asyncio

import pytest
from chassis import inbox, supervision
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.testing import Databases
from contracts.dossier import DossierChanged, QuotientChanged
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from libs.chassis.tests.processes import Processes, environment
from libs.chassis.tests.proxy import proxy
from libs.chassis.tests.queues import DEAD, EVENTS, Queues, body
from libs.chassis.tests.running import consuming
from libs.chassis.tests.tables import Gate, Rows
from libs.chassis.tests.toy.toy.main import HANDLERS, Thing, keep, quotient_changed
from libs.chassis.tests.waiting import until


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tries of a message follow each other at once."""
    monkeypatch.setattr(inbox, "RETRY_DELAYS_S", (0.0, 0.0, 0.0))


async def settled(queues: Queues) -> None:
    """Nothing left to deliver, nothing on its way to be acknowledged: a closed consumer would have given it back."""
    await until(lambda: queues.consumers(), 0)
    assert await queues.waiting(EVENTS) == 0


async def test_an_event_delivered_twice_has_one_effect(database: Database, queues: Queues, rows: Rows) -> None:
    message = body(quotient_changed())
    await queues.send(message, message)
    async with consuming(database, queues.url):
        await until(lambda: rows.count("heard"), 1)
        await queues.send(message, body(quotient_changed()))
        await until(lambda: rows.count("heard"), 2)
        await until(lambda: queues.waiting(EVENTS), 0)
    await settled(queues)
    assert await rows.count("heard") == 2
    assert await queues.waiting(DEAD) == 0


async def test_an_event_handled_in_many_places_at_once_has_one_effect(database: Database, rows: Rows) -> None:
    message = body(quotient_changed())
    await asyncio.gather(*(inbox.handle(database, message, HANDLERS) for _ in range(20)))
    assert await rows.count("heard") == 1


async def test_a_consumer_killed_between_commit_and_acknowledgement_leaves_one_effect(
    databases: Databases, queues: Queues, processes: Processes, rows: Rows
) -> None:
    async with proxy(queues.url) as to_broker:
        killed = await processes.start("worker", **environment(databases, amqp_url=to_broker.url))
        await until(queues.consumers, 1)
        to_broker.deafen()  # from here on no acknowledgement arrives
        await queues.send(body(quotient_changed()))
        await until(lambda: rows.count("heard"), 1)
        await killed.kill()
    await until(lambda: queues.waiting(EVENTS), 1)

    again = await processes.start("worker", **environment(databases, amqp_url=queues.url))
    await until(lambda: queues.waiting(EVENTS), 0)
    await until(lambda: '"repeated": true' in again.output())
    assert await again.stop() == 0
    await settled(queues)
    assert await rows.count("heard") == 1


async def test_a_consumer_killed_before_its_commit_loses_nothing(
    databases: Databases, queues: Queues, processes: Processes, gate: Gate, rows: Rows
) -> None:
    await gate.close("heard", "INSERT")
    killed = await processes.start("worker", **environment(databases, amqp_url=queues.url))
    await queues.send(body(quotient_changed()))
    await until(gate.held, 1)
    await killed.kill()
    await gate.open()
    await until(lambda: queues.waiting(EVENTS), 1)

    again = await processes.start("worker", **environment(databases, amqp_url=queues.url))
    await until(lambda: rows.count("heard"), 1)
    assert await again.stop() == 0
    await settled(queues)
    assert await rows.count("heard") == 1


@pytest.mark.usefixtures("quick")
async def test_undecodable_messages_are_set_aside_and_the_others_handled(
    database: Database, queues: Queues, rows: Rows
) -> None:
    good = [body(quotient_changed()) for _ in range(200)]
    event = body(quotient_changed())
    poison = [
        b"",
        b"not JSON",
        b"\xff\xfe",
        b"[]",
        event.replace(b'"specversion":"1.0"', b'"specversion":"0.3"'),
        event.replace(b"dossier.quotient_changed", b"dossier.unheard_of"),
        event.replace(b"dossier.quotient_changed", DossierChanged.type.encode()),
        event.replace(b'"version":1', b'"version":0'),
        event.replace(b'"quotients":[]', b'"quotients":[{"value":"much"}]'),
    ]
    mixed = [one for pair in zip(good, poison, strict=False) for one in pair] + good[len(poison) :]
    await queues.send(*mixed)
    async with consuming(database, queues.url):
        await until(lambda: rows.count("heard"), len(good))
        await until(lambda: queues.waiting(DEAD), len(poison))
    await settled(queues)
    assert sorted(await queues.take(DEAD)) == sorted(poison)
    assert await rows.count("heard") == len(good)


@pytest.mark.usefixtures("quick")
async def test_a_handler_that_always_fails_is_tried_four_times_then_its_message_set_aside(
    database: Database, queues: Queues, rows: Rows
) -> None:
    bad = new_id()
    tries = 0

    async def keep_unless_bad(session: AsyncSession, event: QuotientChanged) -> None:
        nonlocal tries
        await keep(session, event)
        if event.dossier_id == bad:
            tries += 1
            raise LookupError("not to be kept")

    message = body(quotient_changed(bad))
    await queues.send(message, *(body(quotient_changed()) for _ in range(10)))
    async with consuming(database, queues.url, {QuotientChanged: keep_unless_bad}):
        await until(lambda: queues.waiting(DEAD), 1)
        await until(lambda: rows.count("heard"), 10)
    await settled(queues)
    assert tries == 4
    assert await queues.take(DEAD) == [message]
    assert await rows.count("inbox") == 10


@pytest.mark.usefixtures("quick")
async def test_a_handler_that_fails_once_has_its_effect_once(database: Database, queues: Queues, rows: Rows) -> None:
    tries = 0

    async def keep_the_second_time(session: AsyncSession, event: QuotientChanged) -> None:
        nonlocal tries
        tries += 1
        await keep(session, event)
        if tries == 1:
            raise LookupError("not yet")

    await queues.send(body(quotient_changed()))
    async with consuming(database, queues.url, {QuotientChanged: keep_the_second_time}):
        await until(lambda: rows.count("heard"), 1)
    await settled(queues)
    assert tries == 2
    assert await queues.waiting(DEAD) == 0


@pytest.mark.usefixtures("quick")
async def test_a_commit_that_fails_after_the_handler_leaves_no_effect_and_does_not_count_as_done(
    database: Database, queues: Queues, rows: Rows
) -> None:
    async def make_two_of_one_name(session: AsyncSession, event: QuotientChanged) -> None:
        session.add_all([Thing(id=new_id(), name="twice", size=1), Thing(id=new_id(), name="twice", size=1)])

    message = body(quotient_changed())
    await queues.send(message)
    async with consuming(database, queues.url, {QuotientChanged: make_two_of_one_name}):
        await until(lambda: queues.waiting(DEAD), 1)
    await settled(queues)
    assert await queues.take(DEAD) == [message]
    assert await rows.count("things") == await rows.count("inbox") == 0


async def test_a_handler_that_does_not_end_is_given_up_at_the_stop_and_its_message_returned(
    database: Database, queues: Queues, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "DRAIN_S", 0.1)
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    begun = asyncio.Event()

    async def never_end(session: AsyncSession, event: QuotientChanged) -> None:
        await keep(session, event)
        await session.flush()
        begun.set()
        await asyncio.Event().wait()

    await queues.send(body(quotient_changed()))
    async with consuming(database, queues.url, {QuotientChanged: never_end}):
        await begun.wait()
    await until(lambda: queues.waiting(EVENTS), 1)
    assert await rows.count("heard") == await rows.count("inbox") == 0
    assert complaints == []


async def test_a_consumer_that_the_broker_cancelled_comes_back(
    database: Database, queues: Queues, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "BACK_OFF_S", 0.1)
    async with consuming(database, queues.url):
        await until(queues.consumers, 1)
        with capture_logs() as logged:
            await queues.delete()
            await until(lambda: "consumer_interrupted" in [line["event"] for line in logged])
        await queues.declare()
        await queues.send(body(quotient_changed()))
        await until(lambda: rows.count("heard"), 1)
