"""`docker compose` on this repository's file, for a project of its own."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from deploy.servers.errors import LauncherError
from deploy.servers.processes import ROOT

NEEDED = (
    "Containers need the Docker Engine (20.10 or later), running, and its Compose plugin (2.24 or later): install them "
    "as https://docs.docker.com/engine/install/ says."
)
LOG_LINES = 40


class Compose:
    """The demo town's containers under the name `project`; `environment` goes before what deploy/demo.env says."""

    def __init__(self, project: str, environment: Mapping[str, str]) -> None:
        self.command = ["docker", "compose", "--project-name", project]
        self.command += ["--env-file", str(ROOT / "deploy" / "demo.env"), "--profile", "demo"]
        self.environment = os.environ | dict(environment)

    def __call__(self, *arguments: str) -> str:
        """What it prints. Raises LauncherError with the end of it when it fails."""
        ran = subprocess.run(
            [*self.command, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            end = (ran.stdout + ran.stderr).splitlines()[-LOG_LINES:]
            raise LauncherError("\n".join([f"`docker compose {' '.join(arguments)}` failed:", *end]))
        return ran.stdout

    def psql(self, service: str, query: str) -> str:
        """The one value that query gives in the service's database."""
        options = ("--username=postgres", f"--dbname={service}", "--tuples-only", "--no-align")
        return self("exec", "-T", "postgres", "psql", *options, f"--command={query}").strip()

    def versions(self) -> tuple[str, str]:
        """Of PostgreSQL and of RabbitMQ."""
        server = self.psql("postgres", "SELECT split_part(version(), ' ', 2)")
        return server, self("exec", "-T", "rabbitmq", "rabbitmqctl", "version").strip()

    def queues(self) -> dict[str, tuple[int, int]]:
        """How many messages each queue holds, and how many consumers it has."""
        asked = ("rabbitmqctl", "--quiet", "--no-table-headers", "list_queues", "name", "messages", "consumers")
        lines = (line.split() for line in self("exec", "-T", "rabbitmq", *asked).splitlines())
        return {name: (int(messages), int(consumers)) for name, messages, consumers in lines}


def require_engine() -> None:
    """Raises LauncherError, with what to install, where containers cannot run."""
    for question in (["docker", "compose", "version"], ["docker", "info"]):
        if not shutil.which("docker") or subprocess.run(question, capture_output=True, check=False).returncode:
            raise LauncherError(NEEDED)
