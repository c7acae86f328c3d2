"""Starts the stand-ins for a test, on free ports, with a clock file of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Sandbox:
    """The addresses of the running stand-ins, and the file that holds the seconds by which their clock is shifted."""

    payfip: str
    mail: str
    smtp: str
    clock_file: Path
    process: subprocess.Popen[str]


@contextmanager
def sandbox(clock_file: Path) -> Iterator[Sandbox]:
    """The stand-ins in a process of their own, stopped at the end. Raises when they do not stop within 5 seconds."""
    ports = ("--payfip-port", "0", "--mail-port", "0", "--smtp-port", "0")
    environment = {**os.environ, "CLOCK_FILE": str(clock_file)}
    command = (sys.executable, "-W", "error", "-m", "deploy.sandbox", *ports)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            addresses = process.stdout.readline() if process.stdout else ""
            yield Sandbox(**json.loads(addresses), clock_file=clock_file, process=process)
            process.terminate()
            process.wait(timeout=5)
        finally:
            process.kill()
