"""The launcher on real servers: each stack has its own, leaves others alone, and nothing of it stays behind."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg
import pytest

from deploy.servers import packages, watcher
from deploy.servers.errors import LauncherError
from deploy.servers.postgres import databases, postgres
from deploy.servers.processes import ROOT, RunFolder
from deploy.servers.rabbitmq import rabbitmq
from deploy.servers.waiting import complete

#: A launcher with a server and a program that clings to life: deaf to SIGTERM, with a child in a session of its own.
LAUNCHER = """
import json, os, sys, time
from pathlib import Path
from deploy.servers import postgres
from deploy.local.errors import reported
from deploy.servers.processes import RunFolder
CLINGING = "trap '' TERM; setsid sleep 600 & echo ready; wait; sleep 600"
with reported(when_interrupted=0), RunFolder(Path(sys.argv[1])) as run:
    postgres.start(run)
    clinging = run.process("clinging", ["/bin/sh", "-c", CLINGING], os.environ, stop_signal=int(sys.argv[2]))
    clinging.start()
    run.wait_until(lambda: len(clinging.family()) == 2 and "ready" in clinging.log.read_text(), clinging, 10)
    run.file("stack.json").write_text("{}")
    pids = [one.pid for process in run.processes.values() for one in process.family()]
    folders = [str(process.cwd) for process in run.processes.values() if process.name == "postgres"]
    print(json.dumps({"pids": pids, "folders": folders}), flush=True)
    while True:
        run.check()
        time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def _private_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESPACE_POSTGRES_URL", raising=False)
    monkeypatch.delenv("ESPACE_AMQP_URL", raising=False)


def wait_until(condition: Callable[[], bool], deadline_s: float = 10) -> None:
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@contextmanager
def launcher(folder: Path, stop_signal: signal.Signals) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A launcher in a process of its own, and what it says it has started."""
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(folder), str(int(stop_signal))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def nothing_is_left(started: dict[str, Any], folder: Path) -> bool:
    pids, folders = started["pids"], started["folders"]
    assert len(pids) > 6
    assert len(folders) == 1
    return not any(map(watcher.member, pids)) and not any(map(os.path.exists, [*folders, folder / "stack.json"]))


def test_a_killed_launcher_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    with launcher(tmp_path, stop_signal=signal.SIGTERM) as (process, started):
        assert not nothing_is_left(started, tmp_path)
        os.killpg(process.pid, signal.SIGKILL)
        wait_until(lambda: nothing_is_left(started, tmp_path))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_launcher_asked_to_stop_leaves_nothing_and_succeeds(tmp_path: Path, number: signal.Signals) -> None:
    with launcher(tmp_path, stop_signal=signal.SIGHUP) as (process, started):
        os.killpg(process.pid, number)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)  # an impatient second one
        assert process.wait(20) == 0
        assert nothing_is_left(started, tmp_path)


def test_two_servers_run_side_by_side_and_leave_the_standard_ports_alone(tmp_path: Path) -> None:
    with closing(socket.socket()) as other:
        with suppress(OSError):  # taken already: as good
            other.bind(("127.0.0.1", 5432))
            other.listen()
        with postgres(tmp_path / "one") as one, postgres(tmp_path / "two") as two:
            assert one != two
            assert complete(asked(one, "SHOW port")) != complete(asked(two, "SHOW port")) != "5432"
            assert complete(asked(one, "SHOW fsync")) == "on"
        other.settimeout(0)
        with pytest.raises(OSError):  # noqa: PT011 (nobody knocked, or it was never ours: the kernel's words differ)
            other.accept()


async def asked(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def test_the_application_role_owns_nothing_and_sees_no_other_service(tmp_path: Path) -> None:
    with postgres(tmp_path) as admin_url, databases(admin_url, ["identity", "billing"]) as made:
        identity, billing = made["identity"], made["billing"]
        complete(asked(identity.owner_url, "CREATE EXTENSION btree_gist"))
        complete(asked(identity.owner_url, "CREATE EXTENSION unaccent"))
        complete(asked(identity.owner_url, "CREATE TABLE account (id int)"))
        for refused in ("SELECT count(*) FROM account", "CREATE TABLE mine (id int)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                complete(asked(identity.url, refused))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            complete(asked(identity.url.removesuffix("identity") + "billing", "SELECT 1"))
        assert complete(asked(billing.url, "SELECT current_user")) == "billing_app"


def test_a_broker_stopped_or_killed_comes_back_with_its_messages_on_the_same_ports(tmp_path: Path) -> None:
    lasting: dict[str, Any] = {"vhost": "/", "durable": True, "auto_delete": False}
    queue = lasting | {"name": "billing.events", "arguments": {"x-queue-type": "quorum"}}
    exchange = lasting | {"name": "espace", "type": "topic", "internal": False, "arguments": {}}
    binding: dict[str, Any] = {
        "source": "espace",
        "vhost": "/",
        "destination": "billing.events",
        "destination_type": "queue",
    }
    binding |= {"routing_key": "enrolment.*", "arguments": {}}
    definitions = tmp_path / "definitions.json"
    definitions.write_text(json.dumps({"exchanges": [exchange], "queues": [queue], "bindings": [binding]}))

    with rabbitmq(tmp_path / "run", definitions) as broker:
        complete(publish(broker.url, b"first"))
        broker.stop()
        with pytest.raises(aio_pika.exceptions.AMQPConnectionError):
            complete(publish(broker.url, b"refused"))
        broker.start()
        complete(publish(broker.url, b"second"))
        broker.kill()
        broker.start()
        assert complete(taken(broker.url, 2)) == [b"first", b"second"]
        members = {one for process in broker.run.processes.values() for one in process.family()}
        assert len(members) > 2  # the node, its children, epmd
    assert not [one for one in members if watcher.member(one.pid)]


async def publish(url: str, body: bytes) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange("espace")
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await exchange.publish(message, "enrolment.booking_confirmed", mandatory=True, timeout=5)


async def taken(url: str, number: int) -> list[bytes]:
    """The bodies of the next messages of billing's queue."""
    async with asyncio.timeout(10), await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).get_queue("billing.events")
        bodies: list[bytes] = []
        async with queue.iterator(no_ack=True) as messages:
            async for message in messages:
                bodies.append(message.body)
                if len(bodies) == number:
                    break
        return bodies


def test_a_second_stack_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with RunFolder(tmp_path), pytest.raises(LauncherError, match="already running"), RunFolder(tmp_path):
        pass
    with RunFolder(tmp_path):
        pass


def test_what_a_stack_tells_is_for_its_owner_alone(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        told = run.process("told", ["/bin/echo", "a family's name"], os.environ)
        told.start()
        run.finish([told], 10)
        assert told.log.read_text() == "a family's name\n"
        assert told.log.parent.stat().st_mode & 0o077 == 0


def test_a_process_that_dies_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        process = run.process("billing", ["/bin/sh", "-c", "echo AMQP_URL is missing; exit 3"], os.environ)
        process.start()
        with pytest.raises(LauncherError, match=r"billing ended with status 3(.|\n)*AMQP_URL is missing"):
            run.wait_until(lambda: False, process, 10)


def test_a_process_stopped_on_purpose_is_no_failure_and_starts_again(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        process = run.process("sleeper", ["sleep", "600"], os.environ)
        for end in (process.stop, process.kill):
            process.start()
            pid = process.pid
            end()
            assert watcher.member(pid) is None
            run.check()


def test_a_process_deaf_to_the_request_is_killed_at_the_deadline_with_all_it_started(tmp_path: Path) -> None:
    with RunFolder(tmp_path) as run:
        script = "trap '' TERM; setsid sleep 600 & echo ready; wait; sleep 600"
        process = run.process("deaf", ["/bin/sh", "-c", script], os.environ)
        process.start()
        run.wait_until(lambda: len(process.family()) == 2 and "ready" in process.log.read_text(), process, 10)
        family = process.family()
        process.stop(deadline_s=0.2)
        assert not [one for one in family if watcher.member(one.pid)]


def test_no_port_is_given_twice(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "one") as one, RunFolder(tmp_path / "two") as two:
        given = [run.port() for _ in range(50) for run in (one, two)]
        assert len(set(given)) == len(given)


@pytest.mark.parametrize("before", [None, "#!/bin/sh\nexit 0\n"])
def test_installing_starts_no_server_and_puts_the_machines_policy_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "POLICY", policy)
    monkeypatch.setattr(packages, "SET_ASIDE", tmp_path / "set-aside")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages, "rabbitmq_server", missing)
    if before:
        policy.write_text(before)
    calls = []

    def apt(*arguments: str) -> None:
        calls.append(arguments)
        assert subprocess.run([policy, "rabbitmq-server", "start"], check=False).returncode == 101

    monkeypatch.setattr(packages, "_apt", apt)
    packages.install()
    assert [(call[0], call[-1]) for call in calls] == [("update", "-qq"), ("install", "rabbitmq-server")]
    assert (policy.read_text() if policy.exists() else None) == before


def test_an_ordinary_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages, "rabbitmq_server", missing)
    with pytest.raises(LauncherError, match="Missing on this machine: rabbitmq-server"):
        packages.install()
    monkeypatch.setenv("ESPACE_AMQP_URL", "amqp://localhost/")
    packages.install()


def missing() -> Path:
    raise LauncherError("RabbitMQ is missing.")
