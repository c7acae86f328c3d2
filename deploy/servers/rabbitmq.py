"""RabbitMQ of one stack: a private node, or the broker named in the environment, with a given topology."""

import json
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aio_pika
from chassis.broker import declare

from deploy.servers.errors import LauncherError
from deploy.servers.packages import rabbitmq_server
from deploy.servers.processes import Process, RunFolder, unprivileged
from deploy.servers.waiting import complete

START_S = 60.0
USER = "espace"
VHOST = "/"


@dataclass
class Broker:
    """A broker and how to reach it. Stopped or killed and started again, it keeps its ports and data."""

    url: str
    port: int
    run: RunFolder
    node: Process | None

    def start(self) -> None:
        """Start the node and wait until it takes connections."""
        self._ours().start()
        self.wait_ready()

    def stop(self) -> None:
        """Stop it in order, as for an upgrade."""
        self._ours().stop()

    def kill(self) -> None:
        """`kill -9`."""
        self._ours().kill()

    def wait_ready(self) -> None:
        """Return when it takes connections with the topology in place (it listens last of all)."""
        if self.node:
            self.run.wait_until(self._listens, self.node, START_S)
        complete(_handshake(self.url))

    def _ours(self) -> Process:
        if self.node is None:
            raise LauncherError("The broker named in ESPACE_AMQP_URL is not the launcher's to start or stop.")
        return self.node

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


@contextmanager
def rabbitmq(folder: Path, definitions: Path) -> Iterator[Broker]:
    """A broker that is ready, until leaving; ESPACE_AMQP_URL's where that is given, with its queues emptied."""
    with RunFolder(folder) as run:
        broker = start(run, definitions)
        broker.wait_ready()
        yield broker


def start(run: RunFolder, definitions: Path) -> Broker:
    """The same within a run folder, without waiting for it: `wait_ready()` does."""
    topology = json.loads(definitions.read_text())
    if given := os.environ.get("ESPACE_AMQP_URL"):
        complete(_declare(given, topology))
        return Broker(given, 0, run, None)
    user, password = unprivileged("rabbitmq"), secrets.token_hex(16)
    port, epmd_port, distribution_port = run.port(), run.port(), run.port()
    data = run.data("rabbitmq", user)
    _write_files(data, port, topology, password, user)
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(data),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_CRASH_DUMP_SECONDS": "0",
        "RABBITMQ_NODENAME": "espace@localhost",
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_SCRIPTS_DIR": str(data / "home" / "sbin"),
        "RABBITMQ_PLUGINS_DIR": str(data / "home" / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(data / "none"),
        "RABBITMQ_CONFIG_FILE": str(data / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(data / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
        "RABBITMQ_LOG_BASE": str(data / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(data / "pid"),
        "RABBITMQ_ALLOW_INPUT": "1",  # the script becomes the node instead of minding it; see -noinput
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "+S 1:1 +A 4 -noinput -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }
    epmd = ["epmd", "-address", "127.0.0.1", "-port", str(epmd_port)]
    run.process("epmd", epmd, environment, user=user, cwd=data).start()
    node = run.process("rabbitmq", [rabbitmq_server()], environment, user=user, cwd=data)
    node.start()
    return Broker(f"amqp://{USER}:{password}@127.0.0.1:{port}/", port, run, node)


def _write_files(data: Path, port: int, topology: dict[str, Any], password: str, user: str | None) -> None:
    """What the node reads. With definitions to load it makes no default user, so they bring one."""
    access = {
        "vhosts": [{"name": VHOST}],
        "users": [{"name": USER, "password": password, "tags": "administrator"}],
        "permissions": [{"user": USER, "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*"}],
    }
    files = {
        "definitions.json": json.dumps(topology | access),
        "enabled_plugins": "[].",
        ".erlang.cookie": secrets.token_hex(16),
        "rabbitmq.conf": f"""
listeners.tcp.1 = 127.0.0.1:{port}
load_definitions = {data}/definitions.json
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 256MB
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 16777216
""",
    }
    for name, content in files.items():
        path = data / name
        path.touch(mode=0o600)
        path.write_text(content)
        if user:
            shutil.chown(path, user)
    _make_home(data / "home")


def _make_home(home: Path) -> None:
    """RabbitMQ's folder again with only the libraries that the broker itself needs.

    At start a node looks for every module in every library's folder: without the forty plugins that nobody enabled it
    starts in half the time (5 s for 10 on two cores) and 15 MB smaller.
    """
    installed = rabbitmq_server().resolve().parents[1]
    libraries = {path.name.rpartition("-")[0]: path for path in (installed / "plugins").iterdir() if path.is_dir()}
    plugins = home / "plugins"
    plugins.mkdir(parents=True)
    (home / "sbin").symlink_to(installed / "sbin")
    wanted = ["rabbit"]
    for name in wanted:
        application = (libraries[name] / "ebin" / f"{name}.app").read_text()
        (plugins / libraries[name].name).symlink_to(libraries[name])
        needs = re.search(r"\{\s*applications\s*,\s*\[([^]]*)\]", application)
        for needed in re.findall(r"\w+", needs[1] if needs else ""):
            if needed in libraries and needed not in wanted:
                wanted.append(needed)


async def _handshake(url: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            connection = await aio_pika.connect(url, timeout=5)
        except (OSError, aio_pika.exceptions.AMQPError) as error:
            if time.monotonic() > deadline:
                raise LauncherError(f"RabbitMQ does not let us in: {error}") from None
        else:
            await connection.close()
            return


async def _declare(url: str, topology: dict[str, Any]) -> None:
    """What a private node loads from the definitions file, on a broker that runs already; its queues are emptied."""
    await declare(url, topology)
    async with await aio_pika.connect(url, timeout=10) as connection:
        channel = await connection.channel()
        for one in topology["queues"]:
            await (await channel.get_queue(one["name"])).purge()
