"""Servers and processes that die in the middle, under a booking that must not notice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
from actors import Family

from deploy.local.journey import Logs
from deploy.local.portal import until
from deploy.local.processes import Process
from deploy.local.stack import Stack

FRAME_METHOD, BASIC_CLASS, ACK_METHOD = 1, 60, 80


async def test_a_booking_confirmed_while_the_broker_is_down_is_billed_when_it_is_back(
    stack: Stack, family: Family
) -> None:
    line = await family.line()
    booking, quote = await family.portal.book([line]), await family.portal.quote([line])
    await asyncio.to_thread(stack.broker.stop)
    try:
        confirmed = await family.portal.confirm(booking["id"], quote["quote_id"])
        assert confirmed["status"] == "confirmed"
        assert (await family.portal.booking(booking["id"]))["invoice_id"] is None
    finally:
        await asyncio.to_thread(stack.broker.start)
    billed = await family.portal.invoiced(booking["id"], timeout_s=60)
    assert billed["amount_cents"] == quote["total_cents"]


async def test_a_broker_killed_while_confirming_loses_nothing(stack: Stack, family: Family) -> None:
    line = await family.line()
    booking, quote = await family.portal.book([line]), await family.portal.quote([line])
    await asyncio.to_thread(stack.broker.kill)
    try:
        await family.portal.confirm(booking["id"], quote["quote_id"])
    finally:
        await asyncio.to_thread(stack.broker.start)
    await family.portal.invoiced(booking["id"], timeout_s=60)


@asynccontextmanager
async def dies_at_its_first_acknowledgement(amqp_url: str, worker: list[Process]) -> AsyncIterator[int]:
    """A way to the broker that kills the worker when it acknowledges, and never passes the acknowledgement on."""
    broker = urlsplit(amqp_url)
    tasks: set[asyncio.Task[None]] = set()

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def frames(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(8))  # the protocol header
        while True:
            header = await reader.readexactly(7)
            payload = await reader.readexactly(int.from_bytes(header[3:7], "big") + 1)
            method = int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big")
            if header[0] == FRAME_METHOD and method == (BASIC_CLASS, ACK_METHOD):
                worker[0].kill()
                return
            writer.write(header + payload)
            await writer.drain()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(broker.hostname, broker.port)
        for task in (asyncio.create_task(answers(there, writer)), asyncio.create_task(frames(reader, back))):
            tasks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await asyncio.gather(*tasks)

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.close()


async def test_billing_killed_between_its_commit_and_its_acknowledgement_opens_one_invoice(
    stack: Stack, family: Family
) -> None:
    line = await family.line()
    booking, quote = await family.portal.book([line]), await family.portal.quote([line])
    logs = Logs(stack.run.path / "logs")
    whole = stack.process("billing")
    await asyncio.to_thread(whole.stop)
    await asyncio.to_thread(stack.start, ("billing", "api"))
    workers: list[Process] = []
    try:
        async with dies_at_its_first_acknowledgement(stack.amqp, workers) as port:
            worker = stack.process("billing", "worker")
            workers.append(worker)
            there = urlsplit(stack.amqp)
            by_proxy = stack.amqp.replace(f":{there.port}/", f":{port}/")
            worker.env = {**worker.env, "BILLING_AMQP_URL": by_proxy}
            await asyncio.to_thread(worker.start)
            await family.portal.confirm(booking["id"], quote["quote_id"])

            async def is_dead() -> bool | None:
                return None if worker.running else True

            await until(is_dead, "the worker is killed at its acknowledgement")
        # It has committed: the invoice is there, and so is the unacknowledged event.
        assert len(await invoices_of(stack, booking["id"])) == 1
    finally:
        await asyncio.to_thread(stack.process("billing", "api").stop)
        await asyncio.to_thread(stack.start, ("billing", "all"))

    async def handled_again() -> bool | None:
        return True if any(one["service"] == "billing" and one["repeated"] for one in logs.handled()) else None

    await until(handled_again, "the event is delivered again and known")
    await family.portal.invoiced(booking["id"])
    assert len(await invoices_of(stack, booking["id"])) == 1


async def invoices_of(stack: Stack, booking_id: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stack.databases["billing"])
    try:
        return list(await connection.fetch("SELECT id FROM invoices WHERE booking_id = $1", booking_id))
    finally:
        await connection.close()
