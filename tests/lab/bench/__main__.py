"""`python -m tests.lab.bench [ROW...] [--rounds N]`: prints the table; with every row, docs/benchmarks.md keeps it."""

import logging
import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.table import Table

from deploy.local.stack import Stack, stack
from deploy.servers.packages import postgres_programs
from deploy.servers.processes import ROOT
from tests.lab.bench import cells, events, hold, hop, imports, month, pages, rush, search, signin, town, usual, validate
from tests.lab.bench.rounds import Effort, Row

ROWS: dict[str, Callable[[Stack, Effort], Iterator[Row]]] = {
    "hop": hop.bench,
    "events": events.bench,
    "town": town.bench,
    "hold": hold.bench,
    "validate": validate.bench,
    "month": month.bench,
    "usual": usual.bench,
    "cells": cells.bench,
    "rush": rush.bench,
    "pages": pages.bench,
    "imports": imports.bench,
    "search": search.bench,
    "signin": signin.bench,
}
KEPT = ROOT / "docs" / "benchmarks.md"


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    wanted: Annotated[list[str] | None, typer.Argument(metavar="[ROW]...", help=", ".join(ROWS))] = None,
    rounds: Annotated[int, typer.Option(min=1)] = Effort.rounds,
) -> None:
    """Measure, each row on a stack of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # of what runs in here
    console, rows = Console(highlight=False), []
    for name in wanted or ROWS:
        with stack(ROOT / ".run" / "bench", services=False) as running:
            for row in ROWS[name](running, Effort(rounds=rounds)):
                console.print(f"{row.work}: {row.measured}")
                rows.append(row)
    table = Table("work", "measured", "goal")
    for row in rows:
        table.add_row(row.work, f"[{'green' if row.met else 'red'}]{row.measured}[/]", row.goal)
    console.print(table)
    if not wanted:
        keep(KEPT, rows)


def keep(file: Path, rows: list[Row]) -> None:
    """Put the rows, when and where they were measured, between the file's marks."""
    lines = [
        f"{machine()}, {datetime.now(UTC):%Y-%m-%d}.",
        "",
        "| work | measured | goal | |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {row.work} | {row.measured} | {row.goal} | {'met' if row.met else 'missed'} |" for row in rows]
    measured = "<!-- measured -->\n" + "\n".join(lines) + "\n<!-- /measured -->"
    marked = re.compile(r"<!-- measured -->.*<!-- /measured -->", re.DOTALL)
    file.write_text(marked.sub(lambda _: measured, file.read_text()))


def machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    postgres = subprocess.run(
        [postgres_programs() / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return (
        f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), Python {platform.python_version()}, "
        f"PostgreSQL {postgres.stdout.split()[2]}, load {os.getloadavg()[2]:.1f} at the end"
    )


if __name__ == "__main__":
    app()
