"""`docs/api-quickstart.md` is what a newcomer types: its commands run as they stand, and print what it says."""

import asyncio
import re
import shlex
from pathlib import Path

from deploy.local.stack import Stack
from tests.actors import Clock, Guardian

DOCUMENT = Path(__file__).parents[2] / "docs" / "api-quickstart.md"
#: The whole of it; it takes two or three.
DONE_S = 60


async def test_the_commands_of_the_quickstart_work_as_they_stand(
    stack: Stack, guardian: Guardian, moving_clock: Clock
) -> None:
    addresses, *commands = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    ours = {
        "API": f"{stack.gateway}/api",
        "MAIL": stack.mail,
        "RETURN_TO": stack.web,
        "NUMBER": guardian.number,
        "FIRST_NAME": guardian.first_name,
        "LAST_NAME": guardian.last_name,
        "EMAIL": guardian.email,
        "LOGIN": guardian.username,
        "PASSWORD": "Villeneuve!2026",
    }
    assert set(re.findall(r"\b([A-Z_]+)=", addresses)) == ours.keys()
    script = "".join(f"{name}={shlex.quote(value)}\n" for name, value in ours.items()) + "".join(commands)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(DONE_S):
            printed, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, printed.decode() + complaints.decode()
    promised = re.findall(r"^# → (.+)$", "".join(commands), re.MULTILINE)
    lines = iter(printed.decode().splitlines())
    assert [line for line in promised if line not in lines] == [], printed.decode()  # each, in this order
    assert len(promised) == 7
