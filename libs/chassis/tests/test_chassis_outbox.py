"""The outbox and its relay, on a real broker: everything that was committed arrives, and nothing else."""

import pytest
from chassis import inbox, outbox
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.testing import Databases
from contracts import Envelope, Event
from contracts.dossier import DossierChanged, QuotientChanged

from libs.chassis.tests.processes import Processes, environment
from libs.chassis.tests.proxy import proxy
from libs.chassis.tests.queues import COPIES, EVENTS, Queues
from libs.chassis.tests.running import relaying
from libs.chassis.tests.tables import Gate, Rows
from libs.chassis.tests.toy.toy.main import HANDLERS, quotient_changed
from libs.chassis.tests.waiting import until


async def publish(database: Database, *events: Event) -> None:
    async with database.sessions.begin() as session:
        await outbox.publish(session, *events)


def unroutable() -> DossierChanged:
    """An event that no queue of the toy is bound to."""
    return DossierChanged(
        dossier_id=new_id(), version=1, number="2024-0001", status="active", adults=(), address=None, missing=()
    )


async def test_what_is_committed_arrives_and_leaves_the_outbox(database: Database, queues: Queues, rows: Rows) -> None:
    event = quotient_changed()
    async with relaying(database, queues.url):
        await publish(database, event)
        await until(lambda: rows.count("outbox"), 0)
    (body,) = await queues.take(EVENTS)
    assert QuotientChanged.model_validate(Envelope.model_validate_json(body).data) == event


async def test_what_is_rolled_back_never_leaves(database: Database, queues: Queues, rows: Rows) -> None:
    async def publish_and_fail() -> None:
        async with database.sessions.begin() as session:
            await outbox.publish(session, quotient_changed(version=1))
            raise LookupError

    async with relaying(database, queues.url):
        with pytest.raises(LookupError):
            await publish_and_fail()
        await publish(database, quotient_changed(version=2))
        await until(lambda: rows.count("outbox"), 0)
    (body,) = await queues.take(EVENTS)
    assert Envelope.model_validate_json(body).data["version"] == 2


async def test_a_relay_killed_between_publish_and_delete_publishes_again_and_it_is_handled_once(
    database: Database, databases: Databases, queues: Queues, processes: Processes, gate: Gate, rows: Rows
) -> None:
    await gate.close("outbox", "DELETE")
    await publish(database, quotient_changed())
    killed = await processes.start("worker", **environment(databases, amqp_url=queues.url))
    await until(lambda: queues.waiting(COPIES), 1)
    await until(gate.held, 1)
    await killed.kill()
    await gate.open()
    assert await rows.count("outbox") == 1

    again = await processes.start("worker", **environment(databases, amqp_url=queues.url))
    await until(lambda: rows.count("outbox"), 0)
    assert await again.stop() == 0
    await until(queues.consumers, 0)
    for left in await queues.take(EVENTS):  # what it was given and had no time for
        await inbox.handle(database, left, HANDLERS)
    assert len(await queues.take(COPIES)) == 2
    assert await rows.count("heard") == 1


async def test_two_relays_on_one_outbox_publish_each_event_once(database: Database, queues: Queues, rows: Rows) -> None:
    events = [quotient_changed() for _ in range(2 * outbox.BATCH + 100)]
    await publish(database, *events)
    async with relaying(database, queues.url, relays=2):
        await until(lambda: rows.count("outbox"), 0)
    published = [Envelope.model_validate_json(body).subject for body in await queues.take(COPIES)]
    assert sorted(published) == sorted(event.subject for event in events)


async def test_an_unroutable_event_stays_holds_up_nothing_and_leaves_once_it_is_bound(
    database: Database, queues: Queues, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "POLL_S", 3600.0)  # nothing here may wait for the next poll
    monkeypatch.setattr(outbox, "BATCH", 5)
    async with relaying(database, queues.url):
        await publish(database, *(unroutable() for _ in range(12)))
        for handled in range(1, 8):
            await publish(database, quotient_changed())
            await until(lambda: queues.waiting(EVENTS), handled)
        await until(lambda: rows.count("outbox"), 12)
        await queues.bind([DossierChanged])
        await publish(database, quotient_changed())
        await until(lambda: rows.count("outbox"), 0)
    await until(lambda: queues.waiting(EVENTS), 12 + 8)


async def test_a_relay_connects_again_by_itself_to_its_database_and_to_its_broker(
    databases: Databases, queues: Queues, rows: Rows
) -> None:
    publisher = Database(databases.owner_url)
    async with proxy(databases.url) as to_database, proxy(queues.url) as to_broker:
        relaying_database = Database(to_database.url)
        async with relaying(relaying_database, to_broker.url):
            for lost in (to_database, to_broker):
                await publish(publisher, quotient_changed())
                await until(lambda: rows.count("outbox"), 0)
                await lost.cut()
                await publish(publisher, quotient_changed())
                await lost.restore()
                await until(lambda: rows.count("outbox"), 0)
        await relaying_database.close()
    await publisher.close()
    assert len({Envelope.model_validate_json(body).id for body in await queues.take(EVENTS)}) == 4
