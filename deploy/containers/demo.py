"""The journey on the containers: billing's worker dies in the middle of it, and enrolment's becomes three."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chassis.local import Addresses

from deploy.containers import secrets
from deploy.containers.compose import Compose, require_engine
from deploy.local.errors import console
from deploy.local.journey import Journey, walk
from deploy.local.portal import Portal, RefusedError, until
from deploy.local.stack import SERVICES
from deploy.servers.errors import LauncherError
from deploy.servers.ports import reserved

PROJECT = "espace-demo"
READY_S, HEARD_S, BACK_S = 300, 60.0, 60.0
WORKERS = 3


@contextmanager
def containers(tell: Callable[[str], None]) -> Iterator[tuple[Compose, Addresses]]:
    """The demo town's containers, built and ready by their health, on free ports; nothing of them runs afterwards."""
    require_engine()
    with ExitStack() as held:
        ports = {
            name: held.enter_context(reserved()) for name in ("WEB_PORT", "GATEWAY_PORT", "PAYFIP_PORT", "MAIL_PORT")
        }
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="espace-secrets-")))
        secrets.write(folder)
        environment = {name: str(port) for name, port in ports.items()} | {"SECRETS": str(folder)}
        compose = Compose(PROJECT, environment)
        compose("build")
        tell("images")
        held.callback(compose, "down", "--volumes", "--remove-orphans", "--timeout", "10")
        try:
            compose("up", "--detach", "--wait", "--wait-timeout", str(READY_S))
        except LauncherError as error:
            states = compose("ps", "--all", "--format", "{{.Service}}: {{.Status}}")
            raise LauncherError(f"{error}\n{states}\n{compose('logs', '--tail', '5')}") from None
        postgres, rabbitmq = compose.versions()
        running = len(compose("ps", "--quiet").split())
        tell(f"{running} containers, each healthy, on PostgreSQL {postgres} and RabbitMQ {rabbitmq}")
        pages, gateway, payfip, mail = (f"http://127.0.0.1:{port}" for port in ports.values())
        yield (
            compose,
            Addresses(gateway=gateway, web=pages, mail=mail, payfip=payfip, smtp="", services={}, files=folder),
        )


async def play(compose: Compose, addresses: Addresses, tell: Callable[[str], None]) -> None:
    """The whole of it. Raises LauncherError naming the step that fails."""
    await until(lambda: asyncio.to_thread(_at_rest, compose), "every event has reached its listeners", HEARD_S)
    tell("the town is known to every service")
    async with Portal(addresses) as portal:
        journey = Journey(portal)
        back = None
        async for step in walk(journey, console):
            if step == journey.read_the_price:
                await _kill_and_scale(compose)
                back = asyncio.create_task(_bring_back(compose, journey))
            elif step == journey.confirm and back:
                await back
    tell("the booking was billed, paid and receipted all the same")


def _at_rest(compose: Compose) -> bool | None:
    """True once no event waits anywhere: in no outbox, in no queue, parked nowhere."""
    waiting = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM parked)"
    at_rest = all(compose.psql(service, waiting) == "0" for service in SERVICES) and not any(
        messages for messages, _ in compose.queues().values()
    )
    return at_rest or None


async def _kill_and_scale(compose: Compose) -> None:
    await asyncio.to_thread(compose, "kill", "--signal", "SIGKILL", "billing-worker")
    console.print("    [yellow]✗ billing-worker is killed[/]")
    await asyncio.to_thread(_start, compose, "--scale", f"enrolment-worker={WORKERS}", "enrolment-worker")

    async def share() -> bool | None:
        return (await asyncio.to_thread(compose.queues))["enrolment.events"][1] == WORKERS or None

    await until(share, f"enrolment.events has {WORKERS} consumers", BACK_S)
    console.print(f"    [yellow]+ enrolment-worker is scaled: enrolment.events has {WORKERS} consumers[/]")


async def _bring_back(compose: Compose, journey: Journey) -> None:
    """Start billing's worker again once the confirmed booking waits for it."""

    async def waits() -> int | None:
        messages, consumers = (await asyncio.to_thread(compose.queues))["billing.events"]
        return messages if messages and not consumers else None

    messages = await until(waits, "the event waits for billing", BACK_S)
    booking = await journey.portal.booking(journey.booking["id"])
    assert (booking["status"], booking["invoice_id"]) == ("confirmed", None), booking
    console.print(f"    [yellow]the booking is confirmed and not billed: {messages} event waits in billing.events[/]")
    await asyncio.to_thread(_start, compose, "billing-worker")
    console.print("    [yellow]✓ billing-worker is started again[/]")


def _start(compose: Compose, *wanted: str) -> None:
    compose("up", "--detach", "--wait", "--no-deps", "--no-recreate", *wanted)


def demo() -> None:
    """Build, bring up, play, take down; each with the seconds since the beginning."""
    started = time.monotonic()

    def tell(what: str) -> None:
        console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - started:.1f} s[/]")

    with containers(tell) as (compose, addresses):
        try:
            asyncio.run(play(compose, addresses, tell))
        except (AssertionError, TimeoutError, RefusedError) as error:
            raise LauncherError(f"Not what was expected: {error}") from error
    tell("everything is taken down")
