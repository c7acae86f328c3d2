"""`python -m tests.lab.bench.bare AMQP DATABASE COUNT`: the same events by bare aio-pika; prints how many a second.

One process, as good as it gets without batches: many publishes in flight, each confirmed; ten connections, on each of
which a message is inserted and committed, then acknowledged.
"""

import asyncio
import sys
import time

import aio_pika
import asyncpg
import uvloop
from aio_pika.abc import AbstractIncomingMessage

from tests.lab.bench.events import rows

QUEUE = "bench.bare"
CONNECTIONS, IN_FLIGHT = 10, 500


async def rate(amqp_url: str, database_url: str, count: int) -> float:
    messages = [aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT) for _, body in rows(count)]
    async with (
        asyncpg.create_pool(database_url, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool,
        await aio_pika.connect(amqp_url) as broker,
    ):
        await pool.execute("CREATE TABLE IF NOT EXISTS bare_effects (id bigserial PRIMARY KEY, body bytea NOT NULL)")
        consuming, publishing = await broker.channel(), await broker.channel(publisher_confirms=True)
        await consuming.set_qos(prefetch_count=2 * CONNECTIONS)
        queue = await consuming.declare_queue(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        left, done = count, asyncio.Event()

        async def take(message: AbstractIncomingMessage) -> None:
            nonlocal left
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("INSERT INTO bare_effects (body) VALUES ($1)", message.body)
            await message.ack()
            left -= 1
            if not left:
                done.set()

        began = time.monotonic()
        await queue.consume(take)
        for first in range(0, count, IN_FLIGHT):
            some = messages[first : first + IN_FLIGHT]
            await asyncio.gather(*(publishing.default_exchange.publish(one, QUEUE) for one in some))
        await done.wait()
        elapsed_s = time.monotonic() - began
        await queue.delete(if_unused=False, if_empty=False)
        return count / elapsed_s


if __name__ == "__main__":
    amqp, database, number = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(rate(amqp, database, int(number))))
