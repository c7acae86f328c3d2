"""The outbox: events stored in the transaction that made them true, and the relay that brings them to the broker."""

import asyncio
from collections.abc import Iterable
from typing import cast
from uuid import UUID

import asyncpg
import structlog
from aio_pika.abc import DeliveryMode
from aio_pika.exceptions import DeliveryError
from aiormq import Channel
from contracts import Envelope, Event
from contracts.notices import NoticeWritten
from pamqp.commands import Basic
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import broker, clock, logs, parking
from chassis.database import connect, fetch
from chassis.identifiers import new_id
from chassis.stopping import Stop
from chassis.supervision import keep_going

log = structlog.get_logger()

_STORE = """
    INSERT INTO outbox (id, attempts, type, body)
    SELECT id, {3}, type, body FROM unnest({0}::uuid[], {1}::text[], {2}::bytea[]) AS event (id, type, body)
"""

BATCH = 500
POLL_S = 1.0
PUBLISH_TIMEOUT_S = 10.0


def envelope(event: Event, *, again: bool = False) -> Envelope:
    """The event in its CloudEvents envelope, under a new id and the current trace; `again`: it was told before."""
    return Envelope(
        id=new_id(),
        source="/espace/" + event.type.split(".", 1)[0],
        type=event.type,
        subject=event.subject,
        time=clock.now(),
        traceparent=logs.traceparent(),
        republished=again,
        data=event.model_dump(mode="json"),
    )


def storing(first: int = 1) -> str:
    """The statement that stores `rows` ($1 to $3, or the three from another number on), also within another one."""
    return _STORE.format(*(f"${first + n}" for n in range(3)), 0)


STORE = storing()
#: As if refused once: the relay takes them when nothing else is there.
_BEHIND = _STORE.format("$1", "$2", "$3", 1)


def rows(events: Iterable[Event], *, again: bool = False) -> tuple[list[UUID], list[str], list[bytes]]:
    """What is stored of them: what `storing()` takes."""
    wrapped = [envelope(event, again=again) for event in events]
    return (
        [one.id for one in wrapped],
        [one.type for one in wrapped],
        [one.model_dump_json().encode() for one in wrapped],
    )


def wake(session: AsyncSession | asyncpg.Connection) -> None:
    """The relay looks at once when this transaction has committed: for what stores events by itself."""
    info = session.sync_session.info if isinstance(session, AsyncSession) else session.info
    info["has_published"] = True


async def publish(session: AsyncSession | asyncpg.Connection, *events: Event, again: bool = False) -> None:
    """Store the events in the session's transaction; they leave once it has committed. `again`: told before, each.

    While one that is told again is handled (`is_republished`) nobody is written to: they were when it was new.
    """
    if isinstance(session, AsyncSession) and is_republished(session):
        events = tuple(event for event in events if not isinstance(event, NoticeWritten))
    if events:
        await fetch(session, _BEHIND if again else STORE, *rows(events, again=again))
        wake(session)


def is_republished(session: AsyncSession) -> bool:
    """Whether what is handled in this session is told again, not new."""
    return bool(session.info.get("republished"))


async def relay(service: str, database_url: str, amqp_url: str, stop: Stop) -> None:
    """Bring the outbox to the broker, and what is parked and due back to the service's queue, until told to stop.

    Any number of relays may run on one database.
    """
    await keep_going("relay", lambda: _relay_while_connected(service, database_url, amqp_url, stop), stop)


async def _relay_while_connected(service: str, database_url: str, amqp_url: str, stop: Stop) -> None:
    woken = asyncio.Event()
    connection = await connect(database_url)
    try:
        await connection.add_listener("outbox", lambda *_: woken.set())
        async with await broker.connect(amqp_url) as amqp:
            channel = await amqp.channel(publisher_confirms=True, on_return_raises=True)
            await channel.get_exchange(broker.EXCHANGE)  # which must be there
            underlay = cast(Channel, await channel.get_underlay_channel())
            while not stop.is_set():
                woken.clear()
                more = await forward(connection, underlay)
                more |= await take_back(connection, underlay, service)
                if not more:
                    await stop.wait_for(woken, timeout_s=POLL_S)
    finally:
        connection.terminate()


async def forward(connection: asyncpg.Connection, channel: Channel) -> bool:
    """Publish one batch and delete what the broker confirmed; whether there may be more to publish at once.

    What it refused stays, behind all others, so that an unroutable event never holds them up. A crash between publish
    and delete publishes again: consumers know the event by its id. Raises what broker.is_trouble() knows, once what was
    confirmed until then is deleted.
    """
    async with connection.transaction():
        rows = await connection.fetch(
            "SELECT id, type, body, attempts FROM outbox ORDER BY attempts, id LIMIT $1 FOR UPDATE SKIP LOCKED", BATCH
        )
        if not rows:
            return False
        sent = (_send(channel, row, broker.EXCHANGE, row["type"]) for row in rows)
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        confirmed: list[UUID] = []
        refused: dict[UUID, str] = {}
        broken: BaseException | None = None
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, DeliveryError):
                refused[row["id"]] = row["type"]
            elif isinstance(outcome, BaseException):
                broken = outcome
            else:
                confirmed.append(row["id"])
        await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", confirmed)
        if refused:
            log.error("events_refused", count=len(refused), types=sorted(set(refused.values())))
            await connection.execute("UPDATE outbox SET attempts = attempts + 1 WHERE id = ANY($1)", list(refused))
    if broken is not None:
        raise ConnectionError(repr(broken)) from broken
    return len(rows) == BATCH and (bool(confirmed) or rows[-1]["attempts"] == 0)


async def take_back(connection: asyncpg.Connection, channel: Channel, service: str) -> bool:
    """Put parked messages that are due into the service's own queue; whether there may be more."""
    rows = await parking.take_due(connection)
    await asyncio.gather(*(_send(channel, row, "", broker.events_queue(service)) for row in rows))
    return len(rows) == parking.BATCH


async def _send(channel: Channel, row: asyncpg.Record, exchange: str, routing_key: str) -> None:
    # A fresh id for the transport, by which the client library tells returned messages; the event's is in the body.
    properties = Basic.Properties(
        content_type="application/cloudevents+json",
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=str(new_id()),
        message_type=row["type"],
    )
    await channel.basic_publish(
        row["body"],
        exchange=exchange,
        routing_key=routing_key,
        properties=properties,
        mandatory=True,
        timeout=PUBLISH_TIMEOUT_S,
        wait=False,  # for the confirm alone, not for each write on its own
    )
