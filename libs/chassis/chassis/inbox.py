"""The inbox: each event of the service's queue handled once, in the transaction of its effect, acknowledged after.

What waits is handled in batches: one transaction for many, in one order, and one by one only where that one fails.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, NamedTuple
from uuid import UUID

import structlog
from aio_pika.abc import AbstractIncomingMessage
from contracts import EVENTS, Envelope, Event
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import broker, clock, logs
from chassis.database import Database, fetch
from chassis.erasure import EvenErased, named
from chassis.merging import repointed
from chassis.parking import NotYetKnown, park
from chassis.stopping import Stop
from chassis.supervision import keep_going
from chassis.trouble import is_contention, is_trouble, said

log = structlog.get_logger()

#: What a service does with an event: `HANDLERS: Handlers = {DossierChanged: keep_dossier, ...}`.
Handler = Callable[[AsyncSession, Any], Awaitable[None]]
Handlers = Mapping[type[Event], Handler]
Verdict = Literal["done", "dead", "later"]

BATCH = 100
#: While one batch is handled the next is on its way.
PREFETCH = 2 * BATCH
#: Messages that are handled one by one, at a time: each takes a connection, and requests of the process need one too.
AT_ONCE = 5
#: Waits before the second, third and fourth try of a message whose handler failed.
RETRY_DELAYS_S = (0.2, 1.0, 3.0)
DRAIN_S = 10.0


@dataclass(frozen=True)
class Together:
    """A handler (`@Together async def keep_dossier(...)`) that many events may share a transaction of.

    It locks nothing but what belongs to its event's subject, and nothing that another handler locks. A batch is handled
    in the order of HANDLERS, then of subjects, so two workers never wait for each other in a ring; a handler that takes
    another lock could close one, and stays alone.
    """

    handler: Handler

    async def __call__(self, session: AsyncSession, event: Any) -> None:
        await self.handler(session, event)


@dataclass(frozen=True)
class AtOnce(Together):
    """One whose `handler(session, events)` takes all that a transaction has for it; what one of them causes, which
    should be rare, bears the trace of another.
    """

    async def __call__(self, session: AsyncSession, event: Any) -> None:
        await self.handler(session, [event])


class Undecodable(Exception):
    """A message that no try can ever handle."""


class Decoded(NamedTuple):
    """A message that somebody here handles."""

    envelope: Envelope
    event: Event
    handler: Handler
    turn: int


def decode(body: bytes, handlers: Handlers) -> Decoded:
    """Raises Undecodable."""
    try:
        envelope = Envelope.model_validate_json(body)
        kind = EVENTS[envelope.type]
        handler = handlers[kind]
        turn = list(handlers.values()).index(handler)
        return Decoded(envelope, kind.model_validate(envelope.data), handler, turn)
    except (ValidationError, KeyError) as error:
        raise Undecodable(said(error)) from error


async def handle(database: Database, body: bytes, handlers: Handlers) -> None:
    """One message, one transaction; raises what its handler raises, and nothing has happened."""
    await _handle(database, [decode(body, handlers)])


async def _handle(database: Database, messages: Sequence[Decoded]) -> None:
    """The messages in one transaction: inbox rows, effects, commit. An event already handled is passed over."""
    async with database.sessions.begin() as session:
        first, erased, merged = await _enter(session, messages)
        new = {one.envelope.id: one for one in messages if one.envelope.id in first}  # the same may be there twice
        if erased:
            new = {one: message for one, message in new.items() if not _void(message, erased)}
        if merged:
            new = {one: message._replace(event=repointed(message.event, merged)) for one, message in new.items()}
        for (handler, again), some in groupby(
            in_order(new.values()), lambda one: (one.handler, one.envelope.republished)
        ):
            session.info["republished"] = again
            if isinstance(handler, AtOnce):
                await handler.handler(session, [one.event for one in some])
                continue
            for one in some:
                logs.enter_trace(one.envelope.traceparent)
                await handler(session, one.event)
    now = clock.now()
    for envelope, *_ in messages:
        logs.enter_trace(envelope.traceparent)
        elapsed_ms = round((now - envelope.time).total_seconds() * 1000, 1)
        repeated = envelope.id not in first
        log.info("event_handled", type=envelope.type, event_id=str(envelope.id), repeated=repeated, ms=elapsed_ms)


def in_order(messages: Iterable[Decoded]) -> list[Decoded]:
    """By table, then by subject, which is the key of what is locked: every worker takes its locks in this order."""
    return sorted(messages, key=lambda one: (one.turn, one.event.subject, one.event.version))


_ENTER = """
    WITH returned AS (DELETE FROM parked WHERE event_id = ANY($1::uuid[])), entered AS (
        INSERT INTO inbox (event_id, handled_at) SELECT id, $2 FROM unnest($1::uuid[]) AS id
        ON CONFLICT DO NOTHING RETURNING event_id
    )
    SELECT 'entered', event_id, NULL::uuid FROM entered
    UNION ALL SELECT 'merged', id, into_id FROM merged WHERE id = ANY($3::uuid[])
    UNION ALL SELECT 'erased', id, NULL FROM erased
    WHERE id = ANY($3::uuid[]) OR id IN (SELECT into_id FROM merged WHERE merged.id = ANY($3::uuid[]))
"""


async def _enter(session: AsyncSession, messages: Sequence[Decoded]) -> tuple[set[UUID], set[UUID], dict[UUID, UUID]]:
    """Enter the events in the inbox, in order; those that were not there, and of those they name who is erased, and
    which dossiers are merged into which.

    What was parked is so no more.
    """
    ids = sorted(one.envelope.id for one in messages)
    rows = await fetch(session, _ENTER, ids, clock.now(), list({one for m in messages for one in named(m.event)}))
    first, erased = ({one for what, one, _ in rows if what == wanted} for wanted in ("entered", "erased"))
    merged = {one: into for what, one, into in rows if what == "merged"}
    return first, erased | {one for one, into in merged.items() if into in erased}, merged


def _void(message: Decoded, erased: Set[UUID]) -> bool:
    """Whether it is of somebody who is erased, and its handler wants to hear nothing of them."""
    return not isinstance(message.handler, EvenErased) and not erased.isdisjoint(named(message.event))


async def consume(service: str, database: Database, amqp_url: str, handlers: Handlers, stop: Stop) -> None:
    """Handle the service's queue until told to stop; leaves the queue alone while the database does not answer."""
    await keep_going("consumer", lambda: _consume_while_well(service, database, amqp_url, handlers, stop), stop)


async def _consume_while_well(service: str, database: Database, amqp_url: str, handlers: Handlers, stop: Stop) -> None:
    await database.ping()
    delivered: deque[AbstractIncomingMessage] = deque()
    arrived, closed = asyncio.Event(), asyncio.Event()

    async def take(message: AbstractIncomingMessage) -> None:
        delivered.append(message)
        arrived.set()

    # What is not acknowledged when this is left is delivered again: it is rolled back, or known to the inbox.
    async with await broker.connect(amqp_url) as connection:
        channel = await connection.channel()
        channel.close_callbacks.add(lambda *_: closed.set())
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(lambda _: closed.set())
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(broker.events_queue(service))
        await queue.consume(take)
        while not stop.is_set():
            if closed.is_set():
                raise ConnectionError("the broker ended the consumer")
            if not delivered:
                arrived.clear()
                await stop.wait_for(arrived, closed)
                continue
            batch = [delivered.popleft() for _ in range(min(BATCH, len(delivered)))]
            await stop.finish(_settle(database, batch, handlers), DRAIN_S)


async def _settle(database: Database, batch: Sequence[AbstractIncomingMessage], handlers: Handlers) -> None:
    """Handle what was delivered, then tell the broker: dead letter, back to the queue, or done, all these at once."""
    verdicts = await judge(database, [message.body for message in batch], handlers)
    judged = list(zip(batch, verdicts, strict=True))
    for message, verdict in judged:
        if verdict == "dead":
            await message.reject(requeue=False)
        elif verdict == "later":
            await message.nack(requeue=True)
    done = [message for message, verdict in judged if verdict == "done"]
    if done:
        await done[-1].ack(multiple=True)  # every one before it has its verdict
    if "later" in verdicts:
        raise ConnectionError("the database failed while a message was handled")


async def judge(database: Database, bodies: Sequence[bytes], handlers: Handlers) -> list[Verdict]:
    """What becomes of each: those that may share a transaction do, unless it fails; each of the others has its own."""
    verdicts: list[Verdict] = ["done"] * len(bodies)
    alone: dict[int, Decoded] = {}
    for place, body in enumerate(bodies):
        try:
            alone[place] = decode(body, handlers)
        except Undecodable as error:
            log.error("message_undecodable", error=str(error))
            verdicts[place] = "dead"
    together = {place: one for place, one in alone.items() if isinstance(one.handler, Together)}
    try:
        if len(together) > 1:
            await _handle(database, list(together.values()))
            alone = {place: one for place, one in alone.items() if place not in together}
    except Exception as error:
        log.warning("batch_undone", count=len(together), error=said(error))
        if is_trouble(error):
            await database.ping()
    slots = asyncio.Semaphore(AT_ONCE)
    judged = await asyncio.gather(*(_judge_alone(database, one, bodies[place], slots) for place, one in alone.items()))
    for place, verdict in zip(alone, judged, strict=True):
        verdicts[place] = verdict
    return verdicts


async def _judge_alone(database: Database, message: Decoded, body: bytes, slots: asyncio.Semaphore) -> Verdict:
    """Handle one message in a transaction of its own, a few times if need be; parked counts as done."""
    for delay_s in (*RETRY_DELAYS_S, None):
        try:
            async with slots:
                await _handle(database, [message])
        except NotYetKnown as wanted:
            return await _park(database, message, body, wanted.kind, wanted.key)
        except Exception as error:
            if is_trouble(error):
                log.warning("message_returned", error=said(error))
                return "later"
            log.error("handler_failed", exc_info=error, again=delay_s is not None)
            if delay_s is not None:
                await asyncio.sleep(delay_s)
            elif is_contention(error):  # nothing is wrong with it: its turn will come
                return await _park(database, message, body, "contention", message.envelope.id)
        else:
            return "done"
    return "dead"


async def _park(database: Database, message: Decoded, body: bytes, kind: str, key: UUID) -> Verdict:
    try:
        async with database.sessions.begin() as session:
            await park(session, message.envelope, body, kind, key)
    except Exception as error:
        log.warning("message_returned", error=said(error))
        return "later"
    return "done"
