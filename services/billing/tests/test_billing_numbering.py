"""Numbers have no gap and no repeat."""

import asyncio
from datetime import UTC, datetime

from billing.invoices.numbering import take_number
from chassis import clock

from services.billing.tests.billing_scene import Scene


async def test_fifty_settled_at_once_with_failures_among_them_have_no_gap_and_no_repeat(scene: Scene) -> None:
    now = clock.now()

    async def take(fails: bool) -> str | None:
        async with scene.database.sessions() as session:
            number = await take_number(session, "enfance", now)
            if fails:
                await session.rollback()
                return None
            await session.commit()
            return number

    taken = await asyncio.gather(*(take(index % 3 == 0) for index in range(50)))
    numbers = sorted(number for number in taken if number)
    assert numbers == [f"{now:%Y}-ENFANCE-{index:06}" for index in range(1, len(numbers) + 1)]


async def test_numbers_begin_again_with_the_year_in_paris(scene: Scene) -> None:
    async with scene.database.sessions.begin() as session:
        eve = await take_number(session, "enfance", datetime(2026, 12, 31, 22, 59, tzinfo=UTC))
        new_year = await take_number(session, "enfance", datetime(2026, 12, 31, 23, 0, tzinfo=UTC))
    assert (eve, new_year) == ("2026-ENFANCE-000001", "2027-ENFANCE-000001")
