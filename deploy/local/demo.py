"""What `make demo` plays: both acts, shown with what happened behind each step, then measured."""

from rich.console import Console

from deploy.local.clock import Clock
from deploy.local.journey import Journey, Logs, measure, show
from deploy.local.portal import Portal
from deploy.local.second_act import SecondAct
from deploy.local.stack import Stack


async def play(running: Stack, console: Console) -> dict[str, float]:
    """The figures measured, by name. Raises LauncherError naming the step that fails."""
    logs = Logs(running.run.path / "logs")
    logs.handled()
    async with Portal(running) as portal:
        journey = Journey(portal)
        following = await show(journey, logs, console)
        await show(SecondAct(journey, running, Clock(running)), logs, console, following)
        return await measure(portal, journey, logs)
