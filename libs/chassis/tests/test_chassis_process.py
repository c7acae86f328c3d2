"""A service as a process: what it says at start, how it tells that it is well, and how it stops."""

import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from chassis.testing import Databases, Signer

from deploy.servers.ports import reserved
from libs.chassis.tests.jwks import jwks
from libs.chassis.tests.processes import Processes, environment
from libs.chassis.tests.proxy import proxy
from libs.chassis.tests.queues import DEAD, EVENTS, Queues, body
from libs.chassis.tests.tables import Gate, Rows
from libs.chassis.tests.toy.toy.main import quotient_changed
from libs.chassis.tests.waiting import until


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _status(http: aiohttp.ClientSession, url: str) -> int | None:
    try:
        async with http.get(url) as answer:
            return answer.status
    except aiohttp.ClientError:
        return None


async def test_a_worker_asked_to_stop_finishes_what_it_began_and_leaves_the_rest(
    databases: Databases, queues: Queues, processes: Processes, gate: Gate, rows: Rows
) -> None:
    total = 200
    await gate.close("heard", "INSERT")
    await queues.send(*(body(quotient_changed()) for _ in range(total)))
    worker = await processes.start("worker", **environment(databases, amqp_url=queues.url))
    await until(gate.busy)
    worker.process.terminate()
    await gate.open()
    assert await worker.ended() == 0
    assert "Traceback" not in worker.output()
    await until(queues.consumers, 0)
    handled = await rows.count("heard")
    assert 0 < handled < total
    assert await queues.waiting(EVENTS) == total - handled  # all that was handled was acknowledged

    another = await processes.start("worker", **environment(databases, amqp_url=queues.url))
    await until(lambda: rows.count("heard"), total)
    assert await another.stop() == 0
    await until(queues.consumers, 0)
    assert await queues.waiting(EVENTS) == await queues.waiting(DEAD) == 0


@pytest.mark.parametrize("mode", ["api", "worker", "all"])
async def test_a_process_stops_at_once_when_it_has_nothing_to_do(
    databases: Databases, queues: Queues, processes: Processes, http: aiohttp.ClientSession, signer: Signer, mode: str
) -> None:
    async with jwks(signer) as keys:
        with reserved() as port:
            variables = environment(databases, amqp_url=queues.url, port=port) | {"TOY_JWKS_URL": keys.url}
            toy = await processes.start(mode, **variables)
            await until(lambda: _status(http, f"http://127.0.0.1:{port}/readyz"), 200)
            # A client that keeps its connection does not keep the process.
            assert await toy.stop() == 0
    assert "Traceback" not in toy.output()


async def test_a_process_without_broker_and_database_says_so_and_stops_all_the_same(
    processes: Processes, http: aiohttp.ClientSession, databases: Databases
) -> None:
    async with proxy(databases.url) as to_database:
        await to_database.cut()
        with reserved() as port:
            variables = environment(databases, port=port) | {"TOY_DATABASE_URL": to_database.url}
            toy = await processes.start("all", **variables)
            await until(lambda: _status(http, f"http://127.0.0.1:{port}/healthz"), 200)
            assert await _status(http, f"http://127.0.0.1:{port}/readyz") == 503
            await until(lambda: "relay_interrupted" in toy.output() and "consumer_interrupted" in toy.output())
            assert await toy.stop() == 0
        await to_database.restore()
    assert "Traceback" not in toy.output()


async def test_a_port_that_is_taken_is_said_in_one_sentence(databases: Databases, processes: Processes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        toy = await processes.start("all", **environment(databases, port=port))
        assert await toy.ended() != 0
    assert f"Could not listen on 127.0.0.1:{port}" in toy.output()
    assert "Traceback" not in toy.output()


@pytest.mark.parametrize("command", ["api", "worker", "all", "migrate"])
async def test_a_missing_setting_is_said_in_one_sentence(
    databases: Databases, processes: Processes, command: str
) -> None:
    toy = await processes.start(command, **environment(databases) | {"TOY_JWKS_URL": None})
    assert await toy.ended() != 0
    assert toy.output() == "Set in the environment: TOY_JWKS_URL (Field required).\n"


@pytest.mark.parametrize("command", [["migrate"], ["load", "/dev/null"]], ids=lambda command: command[0])
async def test_only_the_owner_migrates_and_loads(
    databases: Databases, processes: Processes, command: list[str]
) -> None:
    toy = await processes.start(*command, **environment(databases) | {"TOY_OWNER_DATABASE_URL": None})
    assert await toy.ended() != 0
    assert toy.output().startswith("Set in the environment: TOY_OWNER_DATABASE_URL")
    assert toy.output().count("\n") == 1


async def test_the_clock_may_not_be_shifted_in_production(databases: Databases, processes: Processes) -> None:
    production = {"ENVIRONMENT": "production", "TOY_TRUSTED_PROXIES": "10.0.0.1"}
    toy = await processes.start("api", **environment(databases) | production)
    assert await toy.ended() != 0
    assert "CLOCK_FILE is set, and the clock may not be shifted in production." in toy.output()
    assert "Traceback" not in toy.output()


@pytest.mark.parametrize(
    ("mode", "without_broker", "without_keys"), [("api", 200, 503), ("all", 200, 503), ("worker", 503, 200)]
)
async def test_ready_means_able_to_do_the_work_of_the_process(
    databases: Databases,
    queues: Queues,
    processes: Processes,
    http: aiohttp.ClientSession,
    signer: Signer,
    mode: str,
    without_broker: int,
    without_keys: int,
) -> None:
    async with jwks(signer) as keys, proxy(databases.url) as to_database, proxy(queues.url) as to_broker:
        good, keys.answer = keys.answer, {}
        with reserved() as port:
            variables = environment(databases, amqp_url=to_broker.url, port=port)
            variables |= {"TOY_DATABASE_URL": to_database.url, "TOY_JWKS_URL": keys.url}
            await processes.start(mode, **variables)

            async def ready() -> tuple[int, dict[str, str]] | None:
                try:
                    async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                        return answer.status, await answer.json()
                except aiohttp.ClientError:
                    return None

            async def alive() -> int:
                async with http.get(f"http://127.0.0.1:{port}/healthz") as answer:
                    return answer.status

            await until(ready, (without_keys, {"database": "ok", "keys": "down", "broker": "ok"}))
            keys.answer = good
            await until(ready, (200, {"database": "ok", "keys": "ok", "broker": "ok"}))
            await to_broker.cut()
            await until(ready, (without_broker, {"database": "ok", "keys": "ok", "broker": "down"}))
            await to_broker.restore()
            await to_database.cut()
            await until(ready, (503, {"database": "down", "keys": "ok", "broker": "ok"}))
            assert await alive() == 200
            await to_database.restore()
            await until(ready, (200, {"database": "ok", "keys": "ok", "broker": "ok"}))
