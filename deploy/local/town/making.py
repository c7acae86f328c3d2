"""A town of any size made by COPY, once what its description says of each service is loaded."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
from chassis import clock, towns
from chassis.database import Database, copy
from chassis.service import Service
from enrolment.enrolments.models import Enrolment
from french.calendar import school_year
from french.paris import day_in_paris

from deploy.local.town import enrolling
from deploy.local.town.hearing import Listeners
from deploy.local.town.reserving import Reserving
from deploy.servers.errors import LauncherError

#: So long a town's rows may take, in one transaction a database.
LONGEST_S = 1_200


async def refuse_a_town(owner_urls: Mapping[str, str]) -> None:
    """Raises LauncherError where families are there: COPY goes into tables that have none."""
    connection = await asyncpg.connect(owner_urls["dossier"])
    try:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM dossiers)"):
            raise LauncherError("There is a town in these databases already: make another one in empty ones.")
    finally:
        await connection.close()


async def make(services: Sequence[Service], owner_urls: Mapping[str, str], town: Mapping[str, Any]) -> None:
    """Tell everybody of what is loaded; enrol the drawn families, and reserve their usual weeks.

    All at once in each database. What only the broker can bring (accounts) stays in the outboxes.
    """
    async with AsyncExitStack() as opened:
        connections = {}
        for name, url in owner_urls.items():
            connections[name] = await asyncpg.connect(url, command_timeout=LONGEST_S)
            opened.push_async_callback(connections[name].close)
            await opened.enter_async_context(connections[name].transaction())
        listeners = Listeners(services, connections)
        for name in connections:
            await listeners.take_over(name)
        await _enrol(listeners, owner_urls["enrolment"], town)
    await asyncio.gather(*map(_analyzed, owner_urls.values()))


async def _enrol(listeners: Listeners, enrolment_url: str, town: Mapping[str, Any]) -> None:
    connections, enrolment = listeners.connections, Database(enrolment_url)
    try:
        drawing = await enrolling.drawing(enrolment, town, school_year(day_in_paris(clock.now())))
    finally:
        await enrolment.close()
    reserving = Reserving(towns.validated(town)["planning"])
    written = [family["number"] for family in town.get("families", ())]
    async for enrolled in enrolling.drawn(connections["enrolment"], drawing, written):
        await copy(connections["enrolment"], Enrolment.__table__, [vars(one.enrolment) for one in enrolled])
        batch = reserving.of(enrolled)
        await asyncio.gather(reserving.store(connections["planning"], batch), listeners.hear(batch.events))
    await reserving.store_slots(connections["planning"])


async def _analyzed(url: str) -> None:
    """Plans follow what is there now."""
    connection = await asyncpg.connect(url, command_timeout=LONGEST_S)
    try:
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
