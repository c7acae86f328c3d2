"""The key that signs is changed by one command, under load, and no request is refused for it."""

import asyncio
import sys

from joserfc import jws

from deploy.local.stack import Stack
from tests.actors import PASSWORD, Clock, Family
from tests.conftest import NewFamily

EACH_SERVICE = (
    "/identity/v1/me",
    "/dossier/v1/dossiers/mine",
    "/enrolment/v1/bookings",
    "/billing/v1/invoices",
    "/planning/v1/deadlines",
)


async def test_a_rotation_refuses_nobody(stack: Stack, moving_clock: Clock, new_family: NewFamily) -> None:
    families = [await new_family() for _ in range(3)]
    former = {signed_by(family) for family in families}
    assert len(former) == 1
    changed, road = asyncio.Event(), asyncio.Semaphore(len(families))

    async def uses_the_portal(family: Family) -> int:
        """As the pages do: refreshes, then asks each service, until well after the change."""
        calls, after = 0, 0
        tokens = await family.portal.post(
            "/identity/v1/sessions", {"login": family.guardian.username, "password": PASSWORD}
        )
        line = tokens["refresh_token"]
        while after < 5:
            async with road:
                tokens = await family.portal.post("/identity/v1/sessions/refresh", {"refresh_token": line})
                family.portal.token, line = tokens["access_token"], tokens["refresh_token"]
                await asyncio.gather(*(family.portal.get(path) for path in EACH_SERVICE))
            calls += 1
            after += changed.is_set() and signed_by(family) not in former
        return calls

    using = [asyncio.create_task(uses_the_portal(family)) for family in families]
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "identity",
        "rotate-keys",
        env=stack.environment("identity"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await command.communicate()
    assert command.returncode == 0
    assert not any(task.done() for task in using)
    for _ in families:  # between two calls: a token lasts ten minutes
        await road.acquire()
    moving_clock.advance(minutes=11)
    changed.set()
    for _ in families:
        road.release()
    async with asyncio.timeout(60):
        assert min(await asyncio.gather(*using)) > 5
    [new] = {signed_by(family) for family in families}
    assert new in said.decode()


def signed_by(family: Family) -> str:
    assert family.portal.token
    kid: str = jws.extract_compact(family.portal.token.encode()).headers()["kid"]
    return kid
