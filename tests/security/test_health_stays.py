"""What is known of a child's health stays in dossier: its words are looked for everywhere else, and in the clear there.

The positive control goes the same ways: words that may leave are found where they go, by the same search.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import aio_pika
import aiohttp
import asyncpg
import pytest
from aio_pika.abc import AbstractQueue
from chassis import broker
from chassis.identifiers import named_id

from deploy.local.portal import Json, Portal, RefusedError, until
from deploy.local.stack import Stack
from tests.actors import Family
from tests.security.examples import PHOTO

#: In each field of a record, what an agent writes of a document about health, and what is refused.
CANARY = "zzcanarisante"
#: In what may be told: why a document that is not about health is refused.
CONTROL = "zzcanaritemoin"
RECORD: Json = {
    "allergies": f"{CANARY}-1",
    "treatments": f"{CANARY}-2",
    "pai": {"valid_from": "2020-09-01", "valid_to": "2098-07-05", "instructions": f"{CANARY}-3"},
    "doctor": {"name": f"{CANARY}-4", "phone": "0612345678"},
    "vaccines": [{"name": f"{CANARY}-5", "date": "2020-01-01"}],
    "remarks": f"{CANARY}-6",
}
#: Where an agent's own words stay: shown to the family, and in the desk log.
OWN_WORDS = {"dossier.documents", "dossier.desk_log", "dossier.idempotency"}


def holds(content: bytes, word: str) -> bool:
    """Whether it is there, in the clear or as PostgreSQL writes bytes."""
    return word.encode() in content or word.encode().hex().encode() in content


async def in_databases(stack: Stack, word: str) -> set[str]:
    """The tables that hold it, as a dump would have them."""
    found = set()
    for service, url in stack.owner_databases.items():
        connection = await asyncpg.connect(url)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in tables:
            dump = BytesIO()
            await connection.copy_from_table(table, output=dump)
            if holds(dump.getvalue(), word):
                found.add(f"{service}.{table}")
        await connection.close()
    return found


def in_files(folder: Path, word: str) -> set[str]:
    """The logs, and whatever else is in the stack's folder, that hold it; the broker's store among them.

    The databases' own files are left to their dumps.
    """
    databases = {marker.parent for marker in folder.rglob("PG_VERSION")}
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and not databases.intersection(path.parents) and holds(path.read_bytes(), word)
    }


@asynccontextmanager
async def spy(stack: Stack) -> AsyncIterator[AbstractQueue]:
    """A queue that gets a copy of all that is published."""
    connection = await aio_pika.connect(stack.amqp)
    async with connection, connection.channel() as channel:
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(broker.EXCHANGE, "#")
        yield queue


async def taken(queue: AbstractQueue) -> list[bytes]:
    found = []
    while message := await queue.get(fail=False, no_ack=True):
        found.append(message.body + repr(message.headers).encode())
    return found


async def measured(stack: Stack) -> bytes:
    """What each service tells of itself."""
    async with aiohttp.ClientSession() as client:
        answers = await asyncio.gather(*(client.get(f"{url}/metrics") for url in stack.services.values()))
        return b"".join([await answer.read() for answer in answers])


async def refused(portal: Portal, path: str, body: Json, seen: str) -> str:
    with pytest.raises(RefusedError) as error:
        await portal.edit("PUT", path, body, seen)
    return str(error.value.problem)


async def both_mailed(portal: Portal, family: Family) -> bool | None:
    """Whether both decisions have been: what was published before them has gone its way."""
    refusals = [one for one in await portal.mails(family.guardian.email) if "Document refusé" in one["subject"]]
    return len(refusals) == 2 or None


async def test_the_words_of_a_health_record_are_found_nowhere_else(stack: Stack, family: Family, agent: Portal) -> None:
    portal, child_id = family.portal, family.guardian.children[0]
    path = f"/dossier/v1/children/{child_id}/health"
    acting = {"dossier_id": family.dossier_id}
    owner = await asyncpg.connect(stack.owner_databases["dossier"])
    school = named_id("site", "jean-jaures")
    await owner.execute("UPDATE schooling SET school_id = $1 WHERE child_id = $2", school, child_id)
    await owner.close()
    async with spy(stack) as copies:
        await portal.edit("PUT", path, RECORD, '"0"')
        assert CANARY not in await refused(portal, path, RECORD, '"0"')
        assert CANARY not in await refused(portal, path, RECORD | {"blood": CANARY, "vaccines": CANARY}, '"1"')
        assert (await portal.get(path))["allergies"] == RECORD["allergies"]
        read = await agent.get(f"{path}?dossier_id={family.dossier_id}&reason=Essai")
        await agent.edit("PUT", path, RECORD | acting, f'"{read["version"]}"')
        async with Portal(stack) as tablet:
            login = {"login": "animateur", "pin": "2026", "device_token": "tablette-demo-2026"}
            tablet.token = (await tablet.post("/identity/v1/sessions", login))["access_token"]
            briefs = await tablet.post("/dossier/v1/children/health-briefs", {"child_ids": [child_id]})
            assert briefs["items"][0]["pai"]["instructions"] == RECORD["pai"]["instructions"]
        for kind, word, more in (("vaccinations", CANARY, {"child_id": child_id}), ("domicile", CONTROL, {})):
            document = await portal.hand_in(family.dossier_id, kind, PHOTO, **more)
            decision = {"decision": "refused", "reason": f"{word} : illisible."}
            await agent.post(f"/dossier/v1/documents/{document['id']}/decision", decision)
        await until(lambda: both_mailed(portal, family), "the mails of both decisions")
        published = await taken(copies)

    assert any(holds(body, CONTROL) for body in published)
    assert not any(holds(body, CANARY) for body in published)
    control = await in_databases(stack, CONTROL)
    assert "identity.messages" in control
    assert await in_databases(stack, CANARY) <= OWN_WORDS
    async with portal.client.get(f"{stack.mail}/messages") as answer:
        everything = await answer.read()
    assert holds(everything, CONTROL)
    assert not holds(everything, CANARY)
    assert not holds(await measured(stack), CANARY)
    planted = stack.run.path / "planted.log"
    await asyncio.to_thread(planted.write_text, f"{CANARY}-planted")
    assert await asyncio.to_thread(in_files, stack.run.path, CANARY) == {planted.name}
    await asyncio.to_thread(planted.unlink)
