"""RabbitMQ: the exchange, a service's queue and dead letters, and the definitions that a broker loads at boot."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from contracts import Event

EXCHANGE = "espace"
#: Only the backstop for messages that kill the process: everything else is judged by the consumer itself.
DELIVERY_LIMIT = 50
DEAD_DELIVERY_LIMIT = 1_000_000_000
CONNECT_TIMEOUT_S = 5.0
#: A broker that froze, or a network that swallows everything, is noticed after three silent ones.
HEARTBEAT_S = 10

#: What the client library raises when the broker is not there or goes away.
TROUBLE = (*CONNECTION_EXCEPTIONS, TimeoutError)


def is_trouble(error: BaseException) -> bool:
    """Whether the broker or the way to it failed, rather than the work itself.

    When a connection breaks, the client library ends some waits with a bare Exception or with CancelledError: that one
    must not pass for somebody's wish to end the task, which would end it without a word.
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and not task.cancelling()
    return isinstance(error, TROUBLE) or type(error) is Exception


async def connect(url: str) -> AbstractConnection:
    """A plain connection: it is made anew by whoever uses it, in one visible loop, when it breaks."""
    return await aio_pika.connect(url, timeout=CONNECT_TIMEOUT_S, heartbeat=HEARTBEAT_S)


async def ping(url: str) -> None:
    """Return when an AMQP handshake succeeds."""
    async with await connect(url):
        pass


def events_queue(service: str) -> str:
    return f"{service}.events"


def dead_queue(service: str) -> str:
    return f"{service}.dead"


def definitions(heard: Mapping[str, Iterable[type[Event]]]) -> dict[str, Any]:
    """The topology in RabbitMQ's own format, from what each service hears (its HANDLERS table).

    Quorum queues and at-least-once dead-lettering: https://www.rabbitmq.com/docs/quorum-queues.
    """
    queues: list[dict[str, Any]] = []
    bindings: list[dict[str, Any]] = []
    for service, events in sorted(heard.items()):
        arguments = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead_queue(service),
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        for name, with_arguments in (
            (events_queue(service), arguments),
            # Looking at what is set aside counts as a delivery: RabbitMQ 4 would throw it away after twenty.
            (dead_queue(service), {"x-queue-type": "quorum", "x-delivery-limit": DEAD_DELIVERY_LIMIT}),
        ):
            queue = {"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": with_arguments}
            queues.append(queue)
        bindings += [
            {
                "source": EXCHANGE,
                "vhost": "/",
                "destination": events_queue(service),
                "destination_type": "queue",
                "routing_key": key,
                "arguments": {},
            }
            for key in sorted(event.type for event in events)
        ]
    exchange = {"name": EXCHANGE, "vhost": "/", "type": "topic", "durable": True, "auto_delete": False}
    return {
        "vhosts": [{"name": "/"}],
        "exchanges": [exchange | {"internal": False, "arguments": {}}],
        "queues": queues,
        "bindings": bindings,
    }


async def declare(url: str, topology: Mapping[str, Any]) -> None:
    """Declare that topology over AMQP: for a broker that somebody else booted. Repeating it changes nothing."""
    async with await connect(url) as connection:
        channel = await connection.channel()
        for exchange in topology["exchanges"]:
            await channel.declare_exchange(exchange["name"], exchange["type"], durable=True)
        for queue in topology["queues"]:
            await channel.declare_queue(queue["name"], durable=True, arguments=queue["arguments"])
        for binding in topology["bindings"]:
            destination = await channel.get_queue(binding["destination"], ensure=False)
            await destination.bind(binding["source"], binding["routing_key"])
