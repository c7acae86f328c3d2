"""Paired rounds: both sides in turn, the median of their ratios; a round that the machine disturbed is repeated."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

import asyncpg

T = TypeVar("T")

#: Of a core's time in a round, what a neighbour on the same hardware may take.
STEAL = 0.02
REPEATS = 5


@dataclass(frozen=True)
class Effort:
    """How much is done: rounds, the seconds of each side of one, events, families, those searched among, pages seen,
    how often each is asked for; how many arrive within so long.
    """

    rounds: int = 5
    seconds: float = 6
    events: int = 10_000
    families: int = 2_200
    searched: int = 50_000
    imported: int = 10_000
    pages: int = 20
    times: int = 15
    arrivals: int = 10_000
    arrive_s: float = 60.0


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, in words with their units, and whether the goal is met."""

    work: str
    measured: str
    goal: str
    met: bool


@dataclass(frozen=True)
class Paired:
    """Medians of each side and of their ratio, with the ratio's least and largest."""

    ours: float
    theirs: float
    ratio: float
    least: float
    largest: float

    def __str__(self) -> str:
        return f"{self.ratio:.2f} ({self.least:.2f} to {self.largest:.2f}): {self.ours:,.1f}/s of {self.theirs:,.1f}/s"


def paired(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Paired:
    """Both sides measured in turn; each callable gives a rate."""
    pairs = [undisturbed(lambda: (ours(), theirs())) for _ in range(rounds)]
    ratios = [one / other for one, other in pairs]
    return Paired(
        median(one for one, _ in pairs), median(other for _, other in pairs), median(ratios), min(ratios), max(ratios)
    )


def undisturbed(measure: Callable[[], T]) -> T:
    """What `measure` gives in a round in which the machine lost little time to its neighbours."""
    for attempt in range(REPEATS):
        stolen, began = _stolen_s(), time.monotonic()
        figure = measure()
        share = (_stolen_s() - stolen) / (time.monotonic() - began)
        if share <= STEAL:
            break
        print(f"round repeated: {share:.0%} of a core was stolen ({attempt + 1})", flush=True)
    return figure


def _stolen_s() -> float:
    """Seconds of processor time that the hypervisor gave to others, over all cores."""
    return int(Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]) / 100


async def until_there_are(connection: asyncpg.Connection, table: str, wanted: int, timeout_s: float) -> None:
    """Return when the table has so many rows; seldom asked, since counting takes time from what is measured."""
    deadline = time.monotonic() + timeout_s
    while (there := await connection.fetchval(f"SELECT count(*) FROM {table}")) < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{table}: {there} rows of {wanted} after {timeout_s:.0f} s")
        await asyncio.sleep(0.05)
