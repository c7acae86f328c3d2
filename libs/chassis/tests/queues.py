"""The toy's queues as a test sees and uses them, and one more that gets a copy of all that is published."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel
from chassis import broker, outbox
from contracts import Event

from libs.chassis.tests.toy.toy.main import HANDLERS

EVENTS, DEAD, COPIES = "toy.events", "toy.dead", "toy.copies"


def body(event: Event) -> bytes:
    """The event as it goes over the wire, under a new id."""
    return outbox.envelope(event).model_dump_json().encode()


class Queues:
    """The topology of the toy alone."""

    def __init__(self, url: str, channel: AbstractChannel) -> None:
        self.url, self._channel = url, channel

    async def send(self, *bodies: bytes, queue: str = EVENTS) -> None:
        """Put messages into a queue in this order, past the exchange; confirmed all together."""
        messages = [aio_pika.Message(one, delivery_mode=aio_pika.DeliveryMode.PERSISTENT) for one in bodies]
        await asyncio.gather(*(self._channel.default_exchange.publish(one, queue) for one in messages))

    async def waiting(self, queue: str = EVENTS) -> int:
        """How many messages are there to be delivered."""
        return (await self._channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0

    async def consumers(self) -> int:
        return (await self._channel.declare_queue(EVENTS, passive=True)).declaration_result.consumer_count or 0

    async def take(self, queue: str) -> list[bytes]:
        """All messages of the queue, which is empty afterwards."""
        found = []
        opened = await self._channel.get_queue(queue)
        while message := await opened.get(fail=False, no_ack=True):
            found.append(message.body)
        return found

    async def delete(self) -> None:
        """Take the toy's queue away, which ends its consumers."""
        await self._channel.queue_delete(EVENTS)

    async def declare(self) -> None:
        await broker.declare(self.url, broker.definitions({"toy": HANDLERS}))

    async def bind(self, events: Iterable[type[Event]], queue: str = EVENTS) -> None:
        opened = await self._channel.get_queue(queue)
        for event in events:
            await opened.bind(broker.EXCHANGE, event.type)


@asynccontextmanager
async def toy_queues(url: str) -> AsyncIterator[Queues]:
    """The toy's queues, empty; gone on leaving."""
    await broker.declare(url, broker.definitions({"toy": HANDLERS}))
    async with await broker.connect(url) as connection:
        channel = await connection.channel(on_return_raises=True)
        copies = await channel.declare_queue(COPIES, durable=True, arguments={"x-queue-type": "quorum"})
        await copies.bind(broker.EXCHANGE, "dossier.quotient_changed")
        yield Queues(url, channel)
    async with await broker.connect(url) as connection:
        channel = await connection.channel()
        for name in (EVENTS, DEAD, COPIES):
            await channel.queue_delete(name)
