"""The toy service as real processes, which a test may stop or kill."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from chassis.testing import ISSUER, Databases

TOY = Path(__file__).parent / "toy"


@dataclass(frozen=True)
class Toy:
    """A running `python -m toy ...`."""

    process: asyncio.subprocess.Process
    log: Path

    def output(self) -> str:
        return self.log.read_text()

    async def kill(self) -> None:
        """`kill -9`; returns when it is gone."""
        self.process.kill()
        await self.process.wait()

    async def ended(self, deadline_s: float = 30.0) -> int:
        """Its exit status, once it has ended."""
        async with asyncio.timeout(deadline_s):
            return await self.process.wait()

    async def stop(self) -> int:
        """Its exit status after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()


class Processes:
    """Starts them; those that still run are killed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Toy] = []

    async def start(self, *command: str, **environment: str | None) -> Toy:
        """Run `python -m toy COMMAND` in this environment and what the whole process has (None leaves one out)."""
        log = self.folder / f"toy-{len(self.started)}.log"
        given = {**os.environ, "PYTHONPATH": str(TOY), **environment}
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-W", "error", "-m", "toy", *command),
                env={name: value for name, value in given.items() if value is not None},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )
        self.started.append(Toy(process, log))
        return self.started[-1]

    async def close(self) -> None:
        for toy in self.started:
            if toy.process.returncode is None:
                await toy.kill()


def environment(databases: Databases, *, amqp_url: str = "amqp://127.0.0.1:9", port: int = 0) -> dict[str, str]:
    """What the toy reads; nothing listens where there is no broker, and there is no identity."""
    return {
        "TOY_DATABASE_URL": databases.url,
        "TOY_OWNER_DATABASE_URL": databases.owner_url,
        "TOY_AMQP_URL": amqp_url,
        "TOY_PORT": str(port),
        "TOY_JWKS_URL": "http://127.0.0.1:9",
        "TOY_TOKEN_ISSUER": ISSUER,
    }
