"""Batches: many events in one transaction, in one order; what fails among them fails alone."""

import asyncio
from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from chassis import inbox
from chassis.copies import keep as keep_copies_of
from chassis.copies import keep_copy
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.inbox import Handler, Handlers, Together
from contracts import Event
from contracts.dossier import ChildChanged, QuotientChanged
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from libs.chassis.tests.queues import DEAD, EVENTS, Queues, body
from libs.chassis.tests.running import consuming
from libs.chassis.tests.tables import Rows
from libs.chassis.tests.toy.toy.main import Heard, keep, quotient_changed
from libs.chassis.tests.waiting import until

POISON = UUID(int=0)


@Together
async def keep_unless_poison(session: AsyncSession, event: QuotientChanged) -> None:
    await keep(session, event)
    if event.dossier_id == POISON:
        raise LookupError("no try will ever help")


async def transactions(database: Database) -> int:
    """How many transactions wrote the rows that are there."""
    async with database.sessions() as session:
        return int((await session.execute(text("SELECT count(DISTINCT xmin::text) FROM heard"))).scalar_one())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "RETRY_DELAYS_S", (0.0, 0.0, 0.0))


@pytest.mark.parametrize("handler", [keep_unless_poison, keep], ids=["together", "alone"])
async def test_what_may_share_a_transaction_does_and_nothing_else(
    database: Database, queues: Queues, rows: Rows, handler: Handler
) -> None:
    await queues.send(*(body(quotient_changed()) for _ in range(500)))
    async with consuming(database, queues.url, {QuotientChanged: handler}):
        await until(lambda: rows.count("heard"), 500)
        await until(lambda: queues.waiting(EVENTS), 0)
    if handler is keep:
        assert await transactions(database) == 500
    else:
        assert await transactions(database) < 50
    assert await rows.count("inbox") == 500


@pytest.mark.usefixtures("quick")
async def test_poison_in_the_middle_of_a_batch_is_set_aside_alone(
    database: Database, queues: Queues, rows: Rows
) -> None:
    poison, undecodable = body(quotient_changed(POISON)), b"not an event"
    good = [body(quotient_changed()) for _ in range(150)]
    await queues.send(*good[:50], poison, *good[50:100], undecodable, *good[100:])
    async with consuming(database, queues.url, {QuotientChanged: keep_unless_poison}):
        await until(lambda: queues.waiting(DEAD), 2)
        await until(lambda: rows.count("heard"), 150)
        await until(lambda: queues.waiting(EVENTS), 0)
    assert sorted(await queues.take(DEAD)) == sorted([poison, undecodable])
    assert await rows.count("inbox") == await rows.count("heard") == 150


async def test_an_event_twice_in_one_batch_has_one_effect(database: Database, queues: Queues, rows: Rows) -> None:
    bodies = [body(quotient_changed()) for _ in range(60)]
    await queues.send(*bodies, *bodies, *reversed(bodies))
    async with consuming(database, queues.url, {QuotientChanged: keep_unless_poison}):
        await until(lambda: queues.waiting(EVENTS), 0)
        await until(lambda: rows.count("heard"), 60)
    assert await queues.waiting(DEAD) == 0


async def test_poison_that_is_trouble_each_time_stops_none_of_its_neighbours(
    database: Database, queues: Queues, rows: Rows
) -> None:
    @Together
    async def keep_or_break(session: AsyncSession, event: QuotientChanged) -> None:
        await keep(session, event)
        if event.dossier_id == POISON:
            raise ConnectionResetError

    await queues.send(body(quotient_changed(POISON)), *(body(quotient_changed()) for _ in range(150)))
    async with consuming(database, queues.url, {QuotientChanged: keep_or_break}):
        await until(lambda: rows.count("heard"), 150)
    await until(lambda: queues.waiting(EVENTS), 1)


@Together
async def keep_one(session: AsyncSession, event: ChildChanged | QuotientChanged) -> None:
    await keep_copy(session, Heard, id=event.subject, dossier_id=event.subject, version=event.version)


keep_subject = keep_copies_of(Heard, dossier_id=lambda event: event.subject)


def child_changed(child_id: UUID, version: int) -> ChildChanged:
    facts = {"first_name": "Léa", "last_name": "Roux", "birth_date": date(2020, 1, 1), "menu": "standard"}
    return ChildChanged.model_validate(
        {"version": version, "child_id": child_id, "dossier_ids": (), "schooling": (), "resident": True, **facts}
    )


async def handled_in_opposite_orders(database: Database, handler: Handler = keep_one) -> list[str]:
    """What is logged while two workers get the same copies to keep, one of them the other way round, many times.

    What is of one type for the one is of the other for the other.
    """
    subjects = [new_id() for _ in range(100)]
    handlers: Handlers = {QuotientChanged: handler, ChildChanged: handler}
    with capture_logs() as logged:
        for version in range(1, 21):
            kinds: list[Callable[[UUID, int], Event]] = [quotient_changed, child_changed] * 50
            bodies = [body(kind(one, 2 * version)) for kind, one in zip(kinds, subjects, strict=True)]
            others = [body(kind(one, 2 * version + 1)) for kind, one in zip(kinds, reversed(subjects), strict=True)]
            await asyncio.gather(*(inbox.judge(database, some, handlers) for some in (bodies, others)))
            if any(line["event"] == "batch_undone" for line in logged):
                break
    return [line["event"] for line in logged if line["event"] != "event_handled"]


@pytest.mark.parametrize(
    "handler", [keep_one, keep_copies_of(Heard, dossier_id=lambda event: event.subject)], ids=["one by one", "at once"]
)
async def test_two_workers_never_wait_for_each_other_in_a_ring(
    database: Database, rows: Rows, handler: Handler
) -> None:
    assert await handled_in_opposite_orders(database, handler) == []
    assert await rows.count("heard") == 100


async def test_two_workers_that_do_not_keep_the_order_meet_in_a_ring_and_get_over_it(
    database: Database, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race that the order is for, so that the test above is known to look at the right thing."""
    monkeypatch.setattr(inbox, "in_order", list)
    assert "batch_undone" in await handled_in_opposite_orders(database)
    assert await rows.count("heard") == 100
