"""What races are made of: things that happen at the same moment, and guards taken away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from chassis.testing import Databases

AT_ONCE = 8


async def at_once(n: int, first: Callable[[], Awaitable[Any]], second: Callable[[], Awaitable[Any]]) -> Sequence[Any]:
    """Both at the same moment, each of them the first to start half of the time."""
    if n % 2:
        late = asyncio.ensure_future(second())
        return await asyncio.gather(first(), late)
    return await asyncio.gather(first(), second())


async def drop_constraint(databases: Databases, table: str, name: str) -> None:
    connection = await asyncpg.connect(databases.owner_url)
    await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    await connection.close()
