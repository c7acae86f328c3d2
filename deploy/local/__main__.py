"""`python -m deploy.local install | run | town | demo | check | revision | definitions | schema`; see the Makefile."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer
from chassis import towns
from rich.table import Table

from deploy.local import checks
from deploy.local.demo import play
from deploy.local.errors import console, reported
from deploy.local.stack import DEFINITIONS, TOWN, Stack, population, stack
from deploy.servers import packages
from deploy.servers.errors import LauncherError
from deploy.servers.processes import ROOT
from deploy.servers.waiting import complete

RUN = ROOT / ".run"
GOALS = {
    "stack ready, s": 25,
    "POST /bookings through the gateway, p50 ms": 15,
    "confirm to invoice opened, p50 ms": 100,
    "whole stack, MB (PSS)": 900,
    "all of it, s": 60,
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _teller() -> Callable[[str], None]:
    """Prints what the stack has ready, with the seconds since now."""
    started = time.monotonic()
    return lambda what: console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - started:.1f} s[/]")


def _print_addresses(running: Stack) -> None:
    addresses = Table(title="Addresses", title_justify="left", show_header=False)
    addresses.add_row("pages", running.web)
    addresses.add_row("API", f"{running.gateway}/api/docs")
    addresses.add_row("mail", running.mail)
    addresses.add_row("PayFiP", running.payfip)
    addresses.add_row("databases, queue", str(running.run.path / "stack.json"))
    console.print(addresses)
    console.print(sign_ins(towns.read(TOWN)))


def sign_ins(town: dict[str, Any]) -> Table:
    """Who may sign in to the demo town, and with what."""
    table = Table("sign-in", "password", "role", "TOTP secret", title="Demo sign-ins", title_justify="left")
    for account in town["accounts"]:
        secret = account.get("password") or f"PIN {account['pin']} on its tablet"
        table.add_row(account["username"], secret, account["role"], account.get("totp_secret", ""))
    return table


@app.command()
def install() -> None:
    """Install PostgreSQL and RabbitMQ where they are missing."""
    with reported(when_interrupted=1):
        packages.install()


APART = typer.Option("--apart", help="API and worker of each service as two processes")


@app.command()
def run(
    families: Annotated[int | None, typer.Option(min=0, help="a town of so many (see town), not the demo's")] = None,
    apart: Annotated[bool, APART] = False,
) -> None:
    """Start the whole stack and keep it up until Ctrl-C or SIGTERM."""
    mode: Literal["all", "apart"] = "apart" if apart else "all"
    with reported(when_interrupted=0), stack(RUN, mode=mode, families=families, tell=_teller()) as running:
        if families is not None:
            console.print(", ".join(f"{count:,} {what}" for what, count in complete(population(running)).items()))
        _print_addresses(running)
        console.print("Ctrl-C stops everything.")
        while True:
            running.run.check()
            time.sleep(0.5)


@app.command()
def town(
    families: Annotated[int, typer.Option(min=0, help="how many: the demo town's, and others drawn like them")],
    apart: Annotated[bool, APART] = False,
) -> None:
    """Run a town of any size, enrolled and with a school year's days reserved, made by COPY within minutes."""
    run(families, apart)


@app.command()
def demo() -> None:
    """Start the whole stack, play both acts of a family through the gateway, stop."""
    started = time.monotonic()
    with reported(when_interrupted=1), stack(RUN, tell=_teller()) as running:
        ready_s = time.monotonic() - started
        measured = asyncio.run(play(running, console))
        memory = running.memory()
    figures = {"stack ready, s": ready_s} | measured
    figures |= {"whole stack, MB (PSS)": sum(memory.values()), "all of it, s": time.monotonic() - started}
    table = Table("figure", "measured", "at most")
    for name, figure in figures.items():
        colour = "green" if figure <= GOALS[name] else "red"
        table.add_row(name, f"[{colour}]{figure:.1f}[/]", f"{GOALS[name]:.0f}")
    console.print(table)
    family = next(one for one in towns.read(TOWN)["accounts"] if one["role"] == "guardian")
    console.print(
        "To open the pages: `make run`, the address it prints beside « pages » in a browser, and sign in as"
        f" {family['username']} with {family['password']}"
    )


@app.command()
def check() -> None:
    """Find missing migrations, and generated files that are out of date."""
    with reported(when_interrupted=1):
        if found := checks.faults(RUN / "check"):
            raise LauncherError("\n".join(found))


@app.command()
def revision() -> None:
    """Draft migrations: what leads from each service's migrated schema to the one that its models declare."""
    with reported(when_interrupted=1):
        for service, statements in checks.revision(RUN / "check").items():
            for statement in statements:
                console.print(f"[dim]{service}:[/] {statement}", soft_wrap=True)


@app.command()
def definitions() -> None:
    """Write deploy/rabbitmq/definitions.json anew from the services' HANDLERS tables."""
    DEFINITIONS.write_text(json.dumps(checks.definitions(), indent=2) + "\n")


@app.command()
def schema() -> None:
    """Write deploy/towns/town.schema.json anew from the services' slices of a town's description."""
    checks.SCHEMA.write_text(json.dumps(towns.schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n")


if __name__ == "__main__":
    sys.exit(app())
