"""The inbox: each event of the service's queue handled once, in the transaction of its effect, acknowledged after."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import structlog
from aio_pika.abc import AbstractIncomingMessage
from contracts import EVENTS, Envelope, Event
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import broker, clock, logs
from chassis.database import Database
from chassis.parking import NotYetKnown, park
from chassis.stopping import Stop
from chassis.supervision import keep_going
from chassis.trouble import is_contention, is_trouble, said

log = structlog.get_logger()

#: What a service does with an event: `HANDLERS: Handlers = {DossierChanged: keep_dossier, ...}`.
Handler = Callable[[AsyncSession, Any], Awaitable[None]]
Handlers = Mapping[type[Event], Handler]

#: Each message takes a connection: no more than the pool keeps, so that the requests of the process find one too. More
#: at once is not faster.
PREFETCH = 5
BACK_OFF_S = 1.0
#: Waits before the second, third and fourth try of a message whose handler failed.
RETRY_DELAYS_S = (0.2, 1.0, 3.0)
DRAIN_S = 10.0


class Undecodable(Exception):
    """A message that no try can ever handle."""


def decode(body: bytes, handlers: Handlers) -> tuple[Envelope, Event, Handler]:
    """The envelope, its event and who handles it; raises Undecodable."""
    try:
        envelope = Envelope.model_validate_json(body)
        kind = EVENTS[envelope.type]
        return envelope, kind.model_validate(envelope.data), handlers[kind]
    except (ValidationError, KeyError) as error:
        raise Undecodable(said(error)) from error


async def handle(database: Database, body: bytes, handlers: Handlers) -> None:
    """One message, one transaction: inbox row, effect, commit. An event already handled is passed over.

    Raises what the handler raises, and nothing has happened; after NotYetKnown the message is parked.
    """
    envelope, event, handler = decode(body, handlers)
    logs.enter_trace(envelope.traceparent)
    async with database.sessions.begin() as session:
        first = await session.scalar(
            text(
                "INSERT INTO inbox (event_id, handled_at) VALUES (:id, :now) ON CONFLICT DO NOTHING RETURNING event_id"
            ),
            {"id": envelope.id, "now": clock.now()},
        )
        await session.execute(text("DELETE FROM parked WHERE event_id = :id"), {"id": envelope.id})
        if first is not None:
            await handler(session, event)
    elapsed_ms = round((clock.now() - envelope.time).total_seconds() * 1000, 1)
    log.info("event_handled", type=envelope.type, event_id=str(envelope.id), repeated=first is None, ms=elapsed_ms)


async def consume(service: str, database: Database, amqp_url: str, handlers: Handlers, stop: Stop) -> None:
    """Handle the service's queue until told to stop; leaves the queue alone while the database does not answer."""
    await keep_going("consumer", lambda: _consume_while_well(service, database, amqp_url, handlers, stop), stop)


async def _consume_while_well(service: str, database: Database, amqp_url: str, handlers: Handlers, stop: Stop) -> None:
    await database.ping()
    halted, closed = asyncio.Event(), asyncio.Event()
    running: set[asyncio.Task[None]] = set()

    async def take(message: AbstractIncomingMessage) -> None:
        if stop.is_set() or halted.is_set() or closed.is_set():
            return  # it goes back to the queue with the closing channel
        task = asyncio.create_task(_settle(database, message, handlers, halted))
        running.add(task)
        task.add_done_callback(running.discard)

    async with await broker.connect(amqp_url) as connection:
        channel = await connection.channel()
        channel.close_callbacks.add(lambda *_: closed.set())
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(lambda _: closed.set())
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(broker.events_queue(service))
        tag = await queue.consume(take)
        try:
            await stop.wait_for(halted, closed)
            if not closed.is_set():
                await queue.cancel(tag)
                if running:
                    await asyncio.wait(running, timeout=DRAIN_S)
        finally:
            # What is not acknowledged by now is delivered again: it is rolled back, or known to the inbox.
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    await stop.wait(BACK_OFF_S)


async def _settle(
    database: Database, message: AbstractIncomingMessage, handlers: Handlers, halted: asyncio.Event
) -> None:
    """Handle one message, then tell the broker: ack after the commit, back to the queue, or dead letter."""
    verdict = await _verdict(database, message.body, handlers)
    try:
        if verdict == "done":
            await message.ack()
        elif verdict == "dead":
            await message.reject(requeue=False)
        else:
            halted.set()
            await message.nack(requeue=True)
    except (Exception, asyncio.CancelledError) as error:
        if not broker.is_trouble(error):
            raise
        # The channel is gone: the broker delivers the message again, and the inbox will know it.
        log.warning("message_not_settled", error=said(error))
        halted.set()


async def _verdict(database: Database, body: bytes, handlers: Handlers) -> Literal["done", "dead", "halt"]:
    for delay_s in (*RETRY_DELAYS_S, None):
        try:
            await _handle_or_park(database, body, handlers)
        except Undecodable as error:
            log.error("message_undecodable", error=str(error))
            return "dead"
        except Exception as error:
            if is_trouble(error) or (delay_s is None and is_contention(error)):
                log.warning("message_returned", error=said(error))
                return "halt"
            log.error("handler_failed", exc_info=error, again=delay_s is not None)
            if delay_s is not None:
                await asyncio.sleep(delay_s)
        else:
            return "done"
    return "dead"


async def _handle_or_park(database: Database, body: bytes, handlers: Handlers) -> None:
    try:
        await handle(database, body, handlers)
    except NotYetKnown as wanted:
        envelope, _, _ = decode(body, handlers)
        async with database.sessions.begin() as session:
            await park(session, envelope, body, wanted)
