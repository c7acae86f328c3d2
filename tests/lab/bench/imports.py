"""A file of many families stored from the command line; memory against a file of a tenth of them."""

import csv
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.local.stack import Stack
from tests.lab.bench.rounds import Effort, Row

GOAL_S, GOAL_GROWTH = 60.0, 1.10
PEOPLE = [f"{kind}_{field}" for kind in ("adulte1", "adulte2", "enfant1", "enfant2") for field in ("nom", "prenom")]
COLUMNS = ["numero", "rue", "code_postal", "commune", *PEOPLE, "enfant1_naissance", "enfant2_naissance", "quotient"]
SYLLABLES = ["ba", "mo", "le", "ro", "tin", "du", "val", "gui", "fer", "nan", "dez", "ou", "sy", "ka", "ben", "li"]


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    few, many = effort.imported // 10, effort.imported
    _, small_mb = _imported(running, few, 1)
    seconds, large_mb = _imported(running, many, 2)
    yield Row(
        f"a CSV file of {many:,} families imported",
        f"{seconds:.1f} s, {large_mb:.0f} MB at most ({small_mb:.0f} MB for {few:,})",
        f"{GOAL_S:.0f} s, {GOAL_GROWTH:.2f} times the memory",
        seconds <= GOAL_S and large_mb <= GOAL_GROWTH * small_mb,
    )


def _imported(running: Stack, families: int, number: int) -> tuple[float, float]:
    """Seconds, and the most memory in MB, of the command that imports a file of so many."""
    file = running.run.path / f"families-{number}.csv"
    _write(file, families, number)
    environment = os.environ | running.environment("dossier")
    began = time.monotonic()
    command = subprocess.Popen(
        [sys.executable, "-m", "dossier", "import", file],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _, status, usage = os.wait4(command.pid, 0)
    seconds, (said, trouble) = time.monotonic() - began, command.communicate()
    if status or f"enregistrées : {families}.".encode() not in said:
        raise RuntimeError(f"the import ended by {status}: {(said + trouble).decode()}")
    return seconds, usage.ru_maxrss / 1024


def _write(file: Path, families: int, number: int) -> None:
    draw = random.Random(number)

    def name() -> str:
        return "".join(draw.choices(SYLLABLES, k=3)).title()

    with file.open("w", newline="") as opened:
        lines = csv.writer(opened)
        lines.writerow(COLUMNS)
        for n in range(families):
            last = name()
            people = [part for ending in ("", "ie", "", "ie") for part in (last, name() + ending)]  # nobody twice
            born = [f"{draw.randint(1, 28):02}/{draw.randint(1, 12):02}/{draw.randint(2016, 2022)}" for _ in range(2)]
            address = [f"{draw.randint(1, 99)} rue {name()}", "78000", "Exempleville"]
            lines.writerow([f"{number}{n:07}", *address, *people, *born, draw.randint(0, 3000)])
