"""Servers and processes that die in the middle, under a booking that must not notice."""

import asyncio
from functools import partial

import asyncpg
from chassis import broker

from deploy.local.journey import Logs
from deploy.local.portal import until
from deploy.local.stack import Stack
from libs.chassis.tests.proxy import proxy
from tests.actors import Family


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


async def test_billing_killed_between_its_commit_and_its_acknowledgement_opens_one_invoice(
    stack: Stack, family: Family
) -> None:
    line = await family.line()
    booking, quote = await family.portal.book([line]), await family.portal.quote([line])
    logs = Logs(stack.run.path / "logs")
    await asyncio.to_thread(stack.process("billing").stop)
    worker = stack.process("billing", "worker")
    try:
        async with proxy(stack.amqp) as to_broker:
            worker.env = {**worker.env, "BILLING_AMQP_URL": to_broker.url}
            await asyncio.to_thread(stack.start, ("billing", "worker"))
            await until(partial(consumed, stack.amqp), "the worker consumes")
            to_broker.deafen()  # it still hears of the booking, but its acknowledgement is lost
            await family.portal.confirm(booking["id"], quote["quote_id"])
            await until(partial(has_invoice, stack, booking["id"]), "it has committed")
            logs.handled()
            await asyncio.to_thread(worker.kill)
    finally:
        await asyncio.to_thread(worker.stop)
        await asyncio.to_thread(stack.start, ("billing", "all"))

    async def handled_again() -> bool | None:
        return True if any(one["service"] == "billing" and one["repeated"] for one in logs.handled()) else None

    await until(handled_again, "the event is delivered again, and known")
    await family.portal.invoiced(booking["id"])
    assert len(await invoices_of(stack, booking["id"])) == 1


async def consumed(amqp_url: str) -> bool | None:
    """Whether somebody consumes billing's queue."""
    async with await broker.connect(amqp_url) as connection:
        queue = await (await connection.channel()).declare_queue("billing.events", passive=True)
        return True if queue.declaration_result.consumer_count else None


async def has_invoice(stack: Stack, booking_id: str) -> bool | None:
    return True if await invoices_of(stack, booking_id) else None


async def invoices_of(stack: Stack, booking_id: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stack.databases["billing"])
    try:
        return list(await connection.fetch("SELECT invoice_id FROM booking_invoices WHERE booking_id = $1", booking_id))
    finally:
        await connection.close()
