"""Parking: what comes before the copy that it needs waits outside the queue, and goes on when the copy is there."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from chassis import inbox, parking
from chassis.copies import keep_copy
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.inbox import Handlers
from chassis.parking import NotYetKnown
from contracts.dossier import DossierChanged, QuotientChanged
from sqlalchemy.ext.asyncio import AsyncSession

from libs.chassis.tests.queues import DEAD, EVENTS, Queues, body
from libs.chassis.tests.running import consuming, relaying
from libs.chassis.tests.tables import Gate, Rows
from libs.chassis.tests.toy.toy.main import Heard, Thing, quotient_changed
from libs.chassis.tests.waiting import until


async def keep_dossier(session: AsyncSession, event: DossierChanged) -> None:
    await keep_copy(session, Heard, id=event.dossier_id, dossier_id=event.dossier_id, version=event.version)


async def need_dossier(session: AsyncSession, event: QuotientChanged) -> None:
    if await session.get(Heard, event.dossier_id) is None:
        raise NotYetKnown(Heard, event.dossier_id)
    session.add(Thing(id=new_id(), name=str(new_id()), size=1))


HANDLERS: Handlers = {DossierChanged: keep_dossier, QuotientChanged: need_dossier}


def dossier_changed(dossier_id: UUID) -> bytes:
    return body(DossierChanged(dossier_id=dossier_id, version=1, number="1", status="active", adults=(), address=None))


@pytest.fixture
async def worker(database: Database, queues: Queues) -> AsyncIterator[None]:
    async with relaying(database, queues.url), consuming(database, queues.url, HANDLERS):
        yield


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes back by itself."""
    monkeypatch.setattr(parking, "FIRST_WAIT", timedelta(hours=1))


@pytest.mark.usefixtures("patient", "worker")
async def test_a_thousand_early_messages_hold_nobody_up_and_are_handled_once_when_the_copy_arrives(
    queues: Queues, rows: Rows
) -> None:
    family, others = new_id(), [new_id() for _ in range(50)]
    await queues.send(*(body(quotient_changed(family)) for _ in range(1000)))
    await queues.send(*map(dossier_changed, others))
    await until(lambda: rows.count("heard"), 50)
    await until(lambda: rows.count("parked"), 1000)
    await until(lambda: queues.waiting(EVENTS), 0)
    assert await rows.count("things") == 0

    await queues.send(dossier_changed(family))
    await until(lambda: rows.count("things"), 1000)
    await until(lambda: rows.count("parked"), 0)
    assert await queues.waiting(DEAD) == 0


@pytest.mark.usefixtures("worker")
async def test_a_message_parked_while_its_copy_is_being_committed_is_not_lost(
    database: Database, queues: Queues, rows: Rows, gate: Gate
) -> None:
    family = new_id()
    await gate.close("heard", "INSERT", at_commit=True)
    arriving = asyncio.create_task(inbox.handle(database, dossier_changed(family), HANDLERS))
    await until(gate.held, 1)  # it has looked for who waits, and found nobody
    await queues.send(body(quotient_changed(family)))
    await until(lambda: rows.count("parked"), 1)
    await gate.open()
    await arriving
    await until(lambda: rows.count("things"), 1)
    await until(lambda: rows.count("parked"), 0)


@pytest.mark.usefixtures("patient", "worker")
async def test_a_message_delivered_twice_is_parked_once_and_has_one_effect(queues: Queues, rows: Rows) -> None:
    family = new_id()
    early = body(quotient_changed(family))
    await queues.send(early, early, body(quotient_changed(family)))
    await until(lambda: rows.count("parked"), 2)
    await queues.send(early, dossier_changed(family), early)
    await until(lambda: rows.count("parked"), 0)
    await until(lambda: queues.waiting(EVENTS), 0)
    assert await rows.count("things") == 2


async def test_what_comes_back_in_vain_waits_longer_each_time_and_as_short_as_before_for_something_else(
    database: Database, queues: Queues, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [new_id()]
    monkeypatch.setattr(parking, "FIRST_WAIT", timedelta(milliseconds=1))
    returns = 0

    async def need(session: AsyncSession, event: QuotientChanged) -> None:
        nonlocal returns
        returns += 1
        raise NotYetKnown(Heard, wanted[0])

    async def tries() -> int:
        async with database.sessions() as session:
            found = await session.connection()
            return int((await found.exec_driver_sql("SELECT coalesce(max(tries), 0) FROM parked")).scalar_one())

    await queues.send(body(quotient_changed()))
    async with relaying(database, queues.url), consuming(database, queues.url, {QuotientChanged: need}):
        await until(lambda: returns >= 4)
        before = await tries()
        assert before >= 3
        wanted[0] = new_id()
        await until(tries, 0)
    assert await rows.count("parked") == 1
    assert await queues.waiting(DEAD) == 0
