"""Each row of `make bench`, short: it runs, and what it says is sane. Whether a goal is met, `make bench` says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack, stack
from tests.lab.bench.__main__ import ROWS, keep
from tests.lab.bench.rounds import Effort, Row, paired, undisturbed

#: Those that make further towns, however small: half a minute.
LONG = {"month", "rush"}
SHORT = Effort(
    rounds=1,
    seconds=0.2,
    events=400,
    families=40,
    searched=40,
    imported=40,
    pages=2,
    times=2,
    arrivals=40,
    arrive_s=2,
)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("bench"), services=False) as started:
        yield started


@pytest.fixture
def running(servers: Stack) -> Iterator[Stack]:
    yield servers
    servers.stop()


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.lab) if name in LONG else name for name in ROWS])
def test_a_row_measures_both_sides(running: Stack, name: str) -> None:
    for row in ROWS[name](running, SHORT):
        figures = [float(figure.replace(",", "")) for figure in re.findall(r"\d[\d,.]*\d|\d", row.measured)]
        assert len(figures) >= 1, row
        if "/s of" in row.measured:
            ratio, least, largest, ours, theirs = figures
            # Rates are whole numbers in the table, the ratio has two places.
            lowest, highest = (ours - 0.5) / (theirs + 0.5) - 0.005, (ours + 0.5) / (theirs - 0.5) + 0.005
            assert lowest <= ratio == least == largest <= highest, row
            assert 0 < ours < 100_000, row


def test_the_ratio_is_the_median_of_rounds_in_which_both_sides_took_turns() -> None:
    turns: list[str] = []
    ours, theirs = iter([1.0, 9.0, 2.0]), iter([10.0, 10.0, 10.0])

    def measured(side: str, rates: Iterator[float]) -> float:
        turns.append(side)
        return next(rates)

    result = paired(lambda: measured("ours", ours), lambda: measured("theirs", theirs), rounds=3)
    assert turns == ["ours", "theirs"] * 3
    assert (result.ratio, result.least, result.largest) == (0.2, 0.1, 0.9)


def test_a_round_in_which_the_machine_was_taken_away_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    stolen, measured = iter([0.0, 1e9, 1e9, 1e9]), iter(["disturbed", "undisturbed"])
    monkeypatch.setattr("tests.lab.bench.rounds._stolen_s", lambda: next(stolen))
    assert undisturbed(lambda: next(measured)) == "undisturbed"


def test_the_figures_kept_replace_those_before_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.md"
    file.write_text("Before.\n<!-- measured -->\nold\n<!-- /measured -->\nAfter.\n")
    keep(file, [Row("work", "0.50: 1/s of 2/s", "0.40", met=True)])
    kept = file.read_text()
    assert kept.startswith("Before.\n<!-- measured -->\n")
    assert kept.endswith("| work | 0.50: 1/s of 2/s | 0.40 | met |\n<!-- /measured -->\nAfter.\n")
    assert "old" not in kept
