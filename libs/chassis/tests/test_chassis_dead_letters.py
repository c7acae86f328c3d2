"""Dead letters: whatever set them aside, they are counted, told to the desk once, and replayed without loss."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from chassis import clock, dead_letters, dead_letters_api, outbox
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing import Databases, Signer, serving
from sqlalchemy import text

from libs.chassis.tests.processes import Processes, environment
from libs.chassis.tests.queues import DEAD, EVENTS, Queues, body
from libs.chassis.tests.running import consuming
from libs.chassis.tests.tables import Rows
from libs.chassis.tests.toy.toy.main import Notice, quotient_changed
from libs.chassis.tests.waiting import until


@pytest.fixture
def settings(service: Service, databases: Databases, queues: Queues, settings: ServiceSettings) -> ServiceSettings:
    return settings.model_copy(update={"amqp_url": queues.url})


async def look(database: Database, settings: ServiceSettings) -> None:
    await dead_letters.watching("toy", Notice).run(database, settings)


async def told(database: Database) -> list[str]:
    """The titles of what was written to the desk, in order."""
    async with database.sessions() as session:
        rows = await session.execute(
            text("SELECT convert_from(body, 'UTF8')::json FROM outbox WHERE type = 'toy.notice_written' ORDER BY id")
        )
        found = [row[0]["data"] for row in rows]
    assert all(one["desk"] and "python -m toy replay" in one["paragraphs"][1] for one in found)
    return [one["title"].removeprefix("Service « toy » : ") for one in found]


async def test_the_desk_is_told_once_and_again_of_more_an_hour_later(
    database: Database, queues: Queues, settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await look(database, settings)
    assert await told(database) == []
    await queues.send(b"one", queue=DEAD)
    await asyncio.gather(*(look(database, settings) for _ in range(5)))
    await look(database, settings)
    assert await told(database) == ["1 message mis de côté"]

    await queues.send(b"two", b"three", queue=DEAD)
    await look(database, settings)
    assert len(await told(database)) == 1
    later = clock.now() + timedelta(minutes=61)
    monkeypatch.setattr(clock, "now", lambda: later)
    await look(database, settings)
    await look(database, settings)
    assert await told(database) == ["1 message mis de côté", "3 messages mis de côté"]

    await queues.take(DEAD)
    await look(database, settings)
    await queues.send(b"four", queue=DEAD)
    await look(database, settings)
    assert (await told(database))[2:] == ["1 message mis de côté"]


async def test_a_worker_tells_of_what_it_sets_aside_and_a_replay_gives_it_back(
    databases: Databases,
    database: Database,
    queues: Queues,
    processes: Processes,
    settings: ServiceSettings,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poison, good = b"not an event", body(quotient_changed())
    await queues.send(poison)
    worker = await processes.start("worker", **environment(databases, amqp_url=queues.url))
    await until(lambda: queues.waiting(DEAD), 1)
    await until(lambda: told(database), ["1 message mis de côté"])
    await queues.send(good, queue=DEAD)  # what a release that is corrected now understands

    replay = await processes.start("replay", **environment(databases, amqp_url=queues.url))
    assert await replay.ended() == 0
    assert replay.output() == "Messages given back to the queue: 2.\n"
    await until(lambda: rows.count("heard"), 1)
    await until(lambda: queues.waiting(DEAD), 1)
    await until(lambda: told(database), ["1 message mis de côté"] * 2)
    assert await worker.stop() == 0
    assert await queues.take(DEAD) == [poison]


async def test_a_replay_killed_in_the_middle_loses_nothing(
    databases: Databases, database: Database, queues: Queues, processes: Processes, rows: Rows
) -> None:
    total = 500
    await queues.send(*(body(quotient_changed()) for _ in range(total)), queue=DEAD)
    killed = await processes.start("replay", **environment(databases, amqp_url=queues.url))

    async def has_begun() -> bool:
        return await queues.waiting(EVENTS) > 50

    await until(has_begun)
    await killed.kill()
    await until(lambda: everywhere(queues, total))
    assert await queues.waiting(DEAD) > 0
    again = await processes.start("replay", **environment(databases, amqp_url=queues.url))
    assert await again.ended() == 0
    async with consuming(database, queues.url):
        await until(lambda: rows.count("heard"), total)
        await until(lambda: queues.waiting(EVENTS), 0)
    assert await queues.waiting(DEAD) == 0
    assert await rows.count("heard") == total


async def everywhere(queues: Queues, total: int) -> bool:
    """Whether the broker has noticed the end of who had messages: none is in nobody's sight."""
    return await queues.waiting(EVENTS) + await queues.waiting(DEAD) >= total


async def test_a_replay_without_a_broker_says_so_in_one_sentence(databases: Databases, processes: Processes) -> None:
    replay = await processes.start("replay", **environment(databases))
    assert await replay.ended() != 0
    assert replay.output().startswith("Nothing is lost, but it was not finished; run it again: ")
    assert "Traceback" not in replay.output()


@pytest.fixture
async def http(service: Service, settings: ServiceSettings, signer: Signer) -> AsyncIterator[aiohttp.ClientSession]:
    async with serving(service, settings, signer) as client:
        yield client


@dataclass
class Administrator:
    """What an administrator is answered, unless another role calls."""

    http: aiohttp.ClientSession
    signer: Signer

    async def call(self, method: str, path: str, role: str = "administrator") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.signer.token(role)}"}
        async with self.http.request(method, f"/v1/dead-letters{path}", headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture
def administrator(http: aiohttp.ClientSession, signer: Signer) -> Administrator:
    return Administrator(http, signer)


async def test_an_administrator_sees_what_was_set_aside_as_often_as_they_like_and_it_stays(
    administrator: Administrator, database: Database, queues: Queues, settings: ServiceSettings
) -> None:
    assert await administrator.call("GET", "") == (200, {"count": 0, "items": []})
    envelope = outbox.envelope(quotient_changed())
    bodies = [b"not an event", envelope.model_dump_json().encode(), b"\xff"]
    await queues.send(*bodies, queue=DEAD)
    await look(database, settings)
    for _ in range(25):  # more deliveries than a quorum queue allows unless told otherwise
        status, seen = await administrator.call("GET", "")
        assert (status, seen["count"], len(seen["items"])) == (200, 3, 3)
        await until(lambda: queues.waiting(DEAD), 3)
    nothing = {"reason": None, "event_id": None, "type": None, "subject": None, "time": None}
    known = nothing | {"event_id": str(envelope.id), "type": envelope.type, "subject": str(envelope.subject)}
    assert seen["items"].count(nothing) == 2
    (event,) = [one for one in seen["items"] if one["time"]]
    assert event | {"time": None} == known
    status, one = await administrator.call("GET", "?limit=1")
    assert (status, one["count"], len(one["items"])) == (200, 3, 1)
    await until(lambda: queues.waiting(DEAD), 3)
    await look(database, settings)
    assert await told(database) == ["3 messages mis de côté"]  # looking tells nobody of more
    assert sorted(await queues.take(DEAD)) == sorted(bodies)


async def test_what_is_looked_at_is_not_told_as_new(
    administrator: Administrator, database: Database, queues: Queues, settings: ServiceSettings
) -> None:
    await queues.send(*(b"%d" % n for n in range(200)), queue=DEAD)
    await look(database, settings)
    for _ in range(5):
        await asyncio.gather(administrator.call("GET", "?limit=200"), look(database, settings))
        await until(lambda: queues.waiting(DEAD), 200)
    await look(database, settings)
    assert await told(database) == ["200 messages mis de côté"]


async def test_what_a_worker_rejects_says_so(administrator: Administrator, database: Database, queues: Queues) -> None:
    async with consuming(database, queues.url):
        await queues.send(b"not an event")
        await until(lambda: queues.waiting(DEAD), 1)
    _, seen = await administrator.call("GET", "")
    assert [one["reason"] for one in seen["items"]] == ["rejected"]


async def test_replays_at_the_same_moment_give_each_message_back_once(
    administrator: Administrator, database: Database, queues: Queues, rows: Rows
) -> None:
    total = 200
    await queues.send(*(body(quotient_changed()) for _ in range(total)), queue=DEAD)
    answers = await asyncio.gather(*(administrator.call("POST", "/replay") for _ in range(2)))
    assert [status for status, _ in answers] == [200, 200]
    assert sum(answer["replayed"] for _, answer in answers) == total
    await until(lambda: queues.waiting(DEAD), 0)
    async with consuming(database, queues.url):
        await until(lambda: rows.count("heard"), total)
        await until(lambda: queues.waiting(EVENTS), 0)
    assert await administrator.call("POST", "/replay") == (200, {"replayed": 0, "left": 0})
    assert await rows.count("heard") == total


async def test_a_replay_is_not_longer_than_a_request_may_be_and_says_what_is_left(
    administrator: Administrator, queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters_api, "MOST_AT_ONCE", 3)
    await queues.send(b"1", b"2", b"3", b"4", queue=DEAD)
    assert await administrator.call("POST", "/replay") == (200, {"replayed": 3, "left": 1})
    assert await administrator.call("POST", "/replay") == (200, {"replayed": 1, "left": 0})
    await until(lambda: queues.waiting(EVENTS), 4)


async def test_only_an_administrator_sees_or_replays_them(administrator: Administrator, queues: Queues) -> None:
    await queues.send(b"one", queue=DEAD)
    for role in ("guardian", "agent", "cashier", "site_staff", "integrator"):
        assert (await administrator.call("GET", "", role))[0] == 403
        assert (await administrator.call("POST", "/replay", role))[0] == 403
    for wrong in ("?limit=0", "?limit=201", "?limit=x"):
        assert (await administrator.call("GET", wrong))[0] == 422
    assert (await administrator.call("GET", ""))[1]["count"] == 1


async def test_without_a_broker_they_are_unavailable(
    service: Service, settings: ServiceSettings, signer: Signer
) -> None:
    away = settings.model_copy(update={"amqp_url": "amqp://127.0.0.1:9"})
    async with serving(service, away, signer) as client:
        for method, path in (("GET", ""), ("POST", "/replay")):
            status, problem = await Administrator(client, signer).call(method, path)
            assert (status, problem["type"]) == (503, "urn:problem:unavailable")


async def test_metrics_tell_what_waits_and_what_was_asked(
    service: Service, database: Database, queues: Queues, settings: ServiceSettings, signer: Signer
) -> None:
    async with serving(service, settings, signer) as client:
        before = await scraped(client)
        assert {before[f"espace_{name}"] for name in ("outbox_events", "parked_messages", "dead_letters")} == {0}
        assert not any("requests" in name for name in before)

        async with database.sessions.begin() as session:
            await outbox.publish(session, quotient_changed(), quotient_changed())
            await session.execute(
                text("INSERT INTO parked VALUES (:id, 'any', '', 'dossiers', :id, 0, :then, :then)"),
                {"id": new_id(), "then": clock.now() - timedelta(minutes=10)},
            )
        await queues.send(b"one", queue=DEAD)
        async with client.get("/v1/breakage") as answer:
            assert answer.status == 401
        after = await scraped(client)
    assert after["espace_outbox_events"] == 2
    assert 0 <= after["espace_outbox_oldest_seconds"] < 60
    assert after["espace_parked_messages"] == after["espace_dead_letters"] == 1
    assert 600 <= after["espace_parked_oldest_seconds"] < 660
    assert after['espace_requests_total{method="GET",route="/breakage",status="401"}'] == 1


async def test_metrics_say_that_a_server_is_away(service: Service, settings: ServiceSettings, signer: Signer) -> None:
    away = settings.model_copy(
        update={"amqp_url": "amqp://127.0.0.1:9", "database_url": "postgresql://a:b@127.0.0.1:9/c"}
    )
    async with serving(service, away, signer) as client:
        assert await scraped(client) == {"espace_database_up": 0, "espace_broker_up": 0}


async def scraped(client: aiohttp.ClientSession) -> dict[str, float]:
    async with client.get("/metrics") as answer:
        assert answer.status == 200
        lines = (await answer.text()).splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}
