"""A second whole stack beside the one of the other tests, while others hold the standard ports; its demo fails."""

import asyncio
import json
import os
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from deploy.local.portal import Portal
from deploy.local.stack import Stack
from deploy.servers import watcher
from deploy.servers.processes import ROOT

#: Of PostgreSQL, RabbitMQ and its management and distribution, epmd, mail, and what web servers take.
STANDARD = (5432, 5672, 15672, 25672, 4369, 1025, 8000, 8080)

#: `make demo` in a folder of its own, with a step in the middle that fails and says what runs by then.
DEMO = """
import json, sys
from pathlib import Path
from deploy.local import __main__ as local
from deploy.local.journey import Journey

async def fail(journey):
    "Open the payment at PayFiP"
    stack = journey.portal.stack
    processes = stack.run.processes.values()
    started = {
        "pids": [one.pid for process in processes for one in process.family()],
        "addresses": [stack.gateway, stack.mail, stack.payfip, stack.smtp, *stack.services.values()],
        "servers": [stack.amqp, *stack.databases.values()],
    }
    Path(sys.argv[2]).write_text(json.dumps(started))
    raise OSError("out of paper")

Journey.open_the_payment = fail
local.RUN = Path(sys.argv[1])
local.demo()
"""


def host(url: str) -> str:
    """`127.0.0.1:5432` of postgresql://somebody:secret@127.0.0.1:5432/identity."""
    return url.partition("://")[2].rpartition("@")[2].partition("/")[0]


async def test_a_demo_that_fails_beside_another_stack_names_its_step_and_leaves_nothing(
    stack: Stack, portal: Portal, tmp_path: Path
) -> None:
    folder, told = tmp_path / "run", tmp_path / "started.json"
    alone = {
        name: value for name, value in os.environ.items() if name not in ("ESPACE_POSTGRES_URL", "ESPACE_AMQP_URL")
    }
    with ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in STANDARD]
        for listener, port in zip(listeners, STANDARD, strict=True):
            with suppress(OSError):  # taken already: as good
                listener.bind(("127.0.0.1", port))
                listener.listen()
                listener.setblocking(False)
        demo = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", DEMO, str(folder), str(told)),
            cwd=ROOT,
            env={name: os.environ[name] for name in alone},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await demo.communicate())[0].decode()
        for listener in listeners:
            with suppress(OSError):
                listener.accept()[0].close()
                raise AssertionError(f"somebody knocked at {listener.getsockname()}")
    assert demo.returncode == 1, output
    assert "8. « Payer »" in output
    assert "Step 9 failed (Open the payment at PayFiP): OSError('out of paper')" in output

    started = json.loads(told.read_text())
    assert len(started["pids"]) > 10
    assert not [pid for pid in started["pids"] if watcher.member(pid)]
    assert not (folder / "stack.json").exists()
    assert not any(path.name in ("PG_VERSION", "rabbit.pid", "clock") for path in folder.rglob("*"))

    ours = {stack.gateway, stack.mail, stack.payfip, stack.smtp, *stack.services.values()}
    ours_behind = {host(url) for url in (stack.amqp, *stack.databases.values())}
    assert ours.isdisjoint(started["addresses"])
    assert ours_behind.isdisjoint(map(host, started["servers"]))
    assert not any(str(port) in url.split(":") for port in STANDARD for url in started["addresses"])
    stack.run.check()
    assert (await portal.get("/identity/v1/legal/terms"))["version"]
